from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from catalog import bundle


class Command(BaseCommand):
    help = "Write the catalog as it is now, with all edits, into one file signed with BERTH_BUNDLE_KEY."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **_: Any) -> None:
        try:
            content = bundle.pack(timezone.now().date())
            with file.open("xb") as target:
                target.write(content)
        except bundle.BundleError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {(error.strerror or 'unknown').lower()}.") from error
        self.stdout.write(f"{file}: {len(content):,} bytes, signed.")
