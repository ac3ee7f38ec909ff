from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from advisor.launch.reconciler import settle


class Command(BaseCommand):
    help = "Reconcile the launches and processes of this machine, without a worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=15.0, help="keep reconciling for at most this long (15)")

    def handle(self, *args: Any, seconds: float, **options: Any) -> None:
        settle(settings.HOST_ID, seconds)
