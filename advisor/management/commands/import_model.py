from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from advisor.intake import from_hub
from advisor.management.importing import ImportCommand


class Command(ImportCommand):
    help = "Show how a repository on the hub differs from the catalog entry of its model; --apply writes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("hub_id", metavar="ORG/NAME")
        parser.add_argument(
            "--gguf", action="append", default=[], metavar="ORG/NAME", help="a repository with GGUF builds of it"
        )
        parser.add_argument(
            "--quantization", action="append", metavar="NAME", help=f"of those; {', '.join(from_hub.QUANTIZATIONS)}"
        )

    def handle(
        self, *, hub_id: str, gguf: list[str], quantization: list[str] | None, apply: bool, overwrite: bool, **_: Any
    ) -> None:
        wanted = quantization or from_hub.QUANTIZATIONS
        today = timezone.now().date()
        self.run(
            lambda: from_hub.propose_from_hub(hub_id, gguf=gguf, quantizations=wanted, today=today),
            apply=apply,
            overwrite=overwrite,
        )
