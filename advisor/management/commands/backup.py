from __future__ import annotations

import os
import sqlite3
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection


class Command(BaseCommand):
    help = "Copy the SQLite database into one file, also while Berth runs. PostgreSQL has pg_dump for that."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the file to write; must not exist yet")

    def handle(self, *, file: str, **options: Any) -> None:
        if connection.vendor != "sqlite":
            raise CommandError("The database is PostgreSQL: use pg_dump.")
        target = Path(file)
        try:
            # The backup contains token digests and sessions: readable by its owner only.
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise CommandError(f"file: {file} cannot be written ({error.strerror}).") from error
        connection.ensure_connection()
        with sqlite3.connect(target) as copy:
            connection.connection.backup(copy)
        copy.close()
        self.stdout.write(f"{target} holds {target.stat().st_size / 1e6:.1f} MB. Keep the secret key beside it.")
