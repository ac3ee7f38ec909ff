from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from advisor.intake import published
from advisor.management.importing import ImportCommand
from catalog.models import Build


class Command(ImportCommand):
    help = "Show what the hub's repositories hold of catalog builds now; --apply writes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--model", action="append", default=[], metavar="SLUG", help="builds of this model")
        parser.add_argument("--all", action="store_true", help="builds of every model")

    def handle(self, *, model: list[str], apply: bool, overwrite: bool, **options: Any) -> None:
        if bool(model) == options["all"]:
            raise CommandError("Say which: --model SLUG, once or more, or --all.")
        rows = Build.objects.select_related("model").filter(format="gguf").exclude(repo="").order_by("key")
        rows = rows if options["all"] else rows.filter(model__slug__in=model)
        if not rows:
            raise CommandError("No build with a repository is known of that.")
        failed = 0
        for build in rows:
            try:
                self.run(
                    lambda build=build: published.propose_refresh(build, timezone.now().date()),  # type: ignore[misc]
                    apply=apply,
                    overwrite=overwrite,
                )
            except CommandError as error:  # another repository may still answer
                failed += 1
                self.stderr.write(f"{build.key}: {error}")
        if failed:
            raise CommandError(f"{failed} of {len(rows)} builds were left as they are; the lines above say why.")
