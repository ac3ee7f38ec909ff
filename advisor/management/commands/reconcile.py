from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from advisor.launch import reconciler


class Command(BaseCommand):
    help = "Make launches and processes of this machine agree, once; with --stop, end every launch first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stop", action="store_true", help="stop every launch of this machine")
        parser.add_argument("--seconds", type=float, default=15.0, help="at most this long")

    def handle(self, *args: Any, stop: bool, seconds: float, **options: Any) -> None:
        if stop and not reconciler.stop_all(settings.HOST_ID, seconds):
            self.stderr.write("Some launch is still active.")
        if not stop:
            reconciler.settle(settings.HOST_ID, seconds)
