from __future__ import annotations

import fcntl
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from hardware.snapshots import refresh


class Command(BaseCommand):
    help = "Bring the database to this version: migrations and the seed catalog. Changes nothing the second time."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--snapshot", action="store_true", help="also read this machine's hardware once")

    def handle(self, *args: Any, **options: Any) -> None:
        forget_counts(settings.METRICS_FOLDER)
        try:
            call_command("migrate", interactive=False, verbosity=0)
            call_command("load_catalog", verbosity=0)
            if options["snapshot"]:
                refresh()
        except (OperationalError, OSError) as error:
            raise CommandError(f"The database cannot be brought to this version: {error}.") from error


def forget_counts(folder: Path) -> None:
    """Remove the counts of web processes that have all ended, so that the next ones begin at zero."""
    if not folder.is_dir():
        return
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # a web server of this version or the previous one is running (`config/wsgi.py`)
        for counts in folder.glob("*.db"):
            counts.unlink()
