from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog import importer, seed


class Command(BaseCommand):
    help = "Load the catalog's data files into the database. Rows edited here are kept and named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--overwrite", action="store_true", help="take the data files' side where a row was edited here"
        )
        parser.add_argument("--data", type=Path, default=seed.DATA, help="another folder of the same layout")

    def handle(self, *, overwrite: bool, data: Path, **_: Any) -> None:
        try:
            report = importer.load(data, overwrite=overwrite)
        except seed.SeedError as error:
            raise CommandError(str(error)) from error
        if report.unchanged:
            self.stdout.write("The catalog is up to date.")
            return
        for table, count in report.counts.items():
            parts = {"created": count.created, "updated": count.updated, "gone": count.gone, "withheld": count.withheld}
            told = ", ".join(f"{number} {word}" for word, number in parts.items() if number) or "nothing new"
            self.stdout.write(f"{table}: {count.seen} in the data, {told}.")
            for name in count.kept:
                self.stdout.write(f"  kept as edited here: {name} (--overwrite takes the data's)")
