from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from advisor.monitoring.doctor import CHECKS


class Command(BaseCommand):
    help = "Report what is missing on this machine and how to fix it. Exit status 1 if anything is."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", action="append", choices=CHECKS, metavar="CHECK", help=", ".join(CHECKS))

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for name in options["only"] or CHECKS:
            found = CHECKS[name]()
            wrong += not found.ok
            mark = self.style.SUCCESS("ok     ") if found.ok else self.style.ERROR("mend   ")
            self.stdout.write(f"{mark} {name:<9} {found.sentence}")
        if wrong:
            raise CommandError(f"{wrong} to mend.")
