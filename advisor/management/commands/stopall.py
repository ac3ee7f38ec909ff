from __future__ import annotations

from argparse import ArgumentParser
from threading import Thread
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from advisor.launch.reconciler import end_started_here, stop_all
from advisor.models import Launch


class Command(BaseCommand):
    help = "Stop every launch of this host and wait until its processes are gone."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--timeout", type=float, default=15, help="seconds to wait (15)")

    def handle(self, *args: Any, timeout: float, **options: Any) -> None:
        """By the rows while the database answers in time; else by the marks that every engine carries."""
        orderly = Thread(target=self.by_rows, args=(timeout,), daemon=True)
        orderly.start()
        orderly.join(timeout + 1)
        left = end_started_here()
        if left:
            raise CommandError(f"These model servers could not be ended: process {', '.join(map(str, left))}.")

    def by_rows(self, timeout: float) -> None:
        try:
            if Launch.objects.filter(status__in=Launch.ACTIVE).exists():
                stop_all(timeout)
        except Error as error:
            self.stderr.write(f"The database cannot be used ({error}): models are ended without it.")
