from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from advisor.launch.reconciler import stop_all
from advisor.models import Launch


class Command(BaseCommand):
    help = "Stop every launch of this host and wait until its processes are gone."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--timeout", type=float, default=15, help="seconds to wait (15)")

    def handle(self, *args: Any, **options: Any) -> None:
        if Launch.objects.filter(status__in=Launch.ACTIVE).exists():
            stop_all(options["timeout"])
