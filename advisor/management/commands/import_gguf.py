from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from advisor.intake import from_file
from advisor.management.importing import ImportCommand


class Command(ImportCommand):
    help = "Show the build of a catalog model in a GGUF file, exact to the byte; --apply writes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="a .gguf file; its other shards are found beside it")
        parser.add_argument("--model", required=True, metavar="SLUG", help="the catalog model that it is a build of")
        parser.add_argument("--quantization", metavar="NAME", help="if neither name nor header states it")
        parser.add_argument("--repo", default="", metavar="ORG/NAME", help="where the file came from")
        parser.add_argument("--sha256", action="store_true", help="read every byte for its digest")

    def handle(self, *, file: Path, model: str, apply: bool, overwrite: bool, **options: Any) -> None:
        self.run(
            lambda: from_file.propose_from_file(
                file,
                model,
                quantization=options["quantization"],
                repo=options["repo"],
                digests=options["sha256"],
                today=timezone.now().date(),
            ),
            apply=apply,
            overwrite=overwrite,
        )
