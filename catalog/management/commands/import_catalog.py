from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog import bundle, importer
from catalog.management.reports import lines


class Command(BaseCommand):
    help = "Show what a signed catalog bundle adds and changes; --apply writes it. Rows edited here are kept and named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--apply", action="store_true", help="write; without it the difference is only shown")
        parser.add_argument("--overwrite", action="store_true", help="also where a row was edited here")

    def handle(self, *, file: Path, apply: bool, overwrite: bool, **_: Any) -> None:
        try:
            about, rows = bundle.unpack(bundle.read_bundle(file))
        except bundle.BundleError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Bundle of {about['created']}, catalog {about['catalog_version'][:12]}.")
        reason = f"bundle {about['catalog_version'][:12]} of {about['created']}"
        report = importer.merge(rows, reason=reason, overwrite=overwrite, write=apply)
        for line in lines(report, written=apply):
            self.stdout.write(line)
