from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from advisor.api import tokens
from hardware.models import Host

MOST_DAYS = 36_500


class Command(BaseCommand):
    help = "Print a new API token once. Scopes: " + ", ".join(tokens.SCOPES) + "."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what the token is for, e.g. provisioning")
        parser.add_argument("--scopes", default="read,recommend", help="comma separated")
        parser.add_argument("--host", help="the one host that an agent token may report for")
        parser.add_argument("--days", help="days until it expires; without it, never")

    def handle(self, *args: Any, name: str, scopes: str, host: str | None, days: str | None, **options: Any) -> None:
        wanted = [s.strip() for s in scopes.split(",") if s.strip()]
        unknown = [s for s in wanted if s not in tokens.SCOPES]
        if unknown or not wanted:
            raise CommandError(
                f"--scopes: {', '.join(unknown) or 'nothing'} is not a scope; use {', '.join(tokens.SCOPES)}."
            )
        if "agent" in wanted and not host:
            raise CommandError("--host: an agent token reports for one host; name it.")
        if days is not None and not (days.isascii() and days.isdigit() and 1 <= int(days[:6]) <= MOST_DAYS):
            raise CommandError(f"--days: must be a whole number from 1 to {MOST_DAYS}, not {days!r}.")
        owner = (
            Host.objects.get_or_create(id=host, defaults={"name": host, "queue": f"host.{host}"})[0] if host else None
        )
        expires = timezone.now() + timedelta(days=int(days)) if days else None
        self.stdout.write(tokens.create_token(name=name, scopes=wanted, host=owner, expires=expires))
        self.stderr.write("Keep it now: it cannot be shown again.")
