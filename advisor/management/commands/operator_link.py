from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse


class Command(BaseCommand):
    help = "Print the link that makes the browser that opens it the operator's: it may launch, stop and chat."
    requires_system_checks: list[str] = []

    def handle(self, **_: Any) -> None:
        try:
            key = settings.OPERATOR_FILE.read_text().strip()
        except OSError as error:
            raise CommandError("Berth is not running on this data folder, or BERTH_LOCAL_OPERATOR is off.") from error
        host = f"[{settings.BIND}]" if ":" in settings.BIND else settings.BIND
        self.stdout.write(f"http://{host}:{settings.PORT}{reverse('operator')}?key={key}")
