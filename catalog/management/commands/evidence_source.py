from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog import evidence_sources


class Command(BaseCommand):
    help = "Switch a source of evidence off or on; without a name, list them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="repository or site, as listed")
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument("--on", action="store_true", help="its results count again")
        switch.add_argument("--off", action="store_true", help="its results are ignored")

    def handle(self, *args: Any, name: str | None, on: bool, off: bool, **options: Any) -> None:
        if (name is None) == (on or off):
            raise CommandError("A name goes with --on or --off, and each of them with a name.")
        if name is not None:
            try:
                evidence_sources.switch(name, enabled=on)
            except ValueError as error:
                raise CommandError(str(error)) from error
        silent = evidence_sources.switched_off()
        for one in [name] if name is not None else evidence_sources.origins():
            self.stdout.write(f"{'off' if one in silent else 'on':4}{one}")
