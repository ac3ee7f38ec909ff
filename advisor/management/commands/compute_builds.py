from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from advisor.estimates.gguf_file import sizes_of
from advisor.files.local import find_file
from advisor.fit.engines.llama_cpp.tensor_sizes import to_json
from advisor.intake.computed_builds import UnknownLayout, builds_of, encode
from catalog import seed

NAMED = 5  # models listed in a message at most


class Command(BaseCommand):
    help = "Write the builds of catalog models whose sizes follow from their configuration."
    requires_system_checks: list[str] = []  # only reads and writes data files

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="only these models")
        parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
        parser.add_argument("--data", type=Path, default=seed.DATA, help="another folder of the same layout")

    def handle(self, *, slugs: list[str], check: bool, data: Path, **_: Any) -> None:
        paths = [data / "models" / f"{slug}.json" for slug in slugs] or sorted((data / "models").glob("*.json"))
        self.checkpoints = seed.read_seed(data / "checkpoints.json")
        self.published = {row["build"]: row for row in seed.read_seed(data / "published_files.json")}
        self.reasons: Counter[str] = Counter()
        stale = [path.stem for path in paths if self.refresh(path, data / "builds", check=check)]
        for reason, count in self.reasons.most_common():
            self.stdout.write(f"{count} without builds: {reason}")
        self.stdout.write(
            f"{len(paths) - self.reasons.total()} of {len(paths)} models have builds, {len(stale)} changed."
        )
        if check and stale:
            more = f" and {len(stale) - NAMED} more" if len(stale) > NAMED else ""
            raise CommandError(f"Out of date, run compute_builds: {', '.join(stale[:NAMED])}{more}.")

    def refresh(self, path: Path, folder: Path, *, check: bool) -> bool:
        """True when the model's file of builds is out of date; it is then rewritten, unless only checking."""
        try:
            model = orjson.loads(path.read_bytes())
        except OSError as error:
            raise CommandError(f"There is no model {path.stem} in {path.parent}.") from error
        target = folder / path.name
        kept = _kept(target)
        try:
            builds = builds_of(model, kept, self.checkpoints, self.published)
        except UnknownLayout as error:
            self.reasons[str(error)] += 1
            builds = kept
        current = target.read_bytes() if target.exists() else None
        wanted = encode(model["slug"], builds) if builds else None
        if wanted == current:
            return False
        if not check and wanted is None:
            target.unlink()
        elif not check and wanted is not None:
            folder.mkdir(exist_ok=True)
            target.write_bytes(wanted)
        return True


def _kept(target: Path) -> list[dict[str, Any]]:
    """Builds that were read from files rather than computed."""
    if not target.exists():
        return []
    builds = orjson.loads(target.read_bytes())["builds"]
    return [_read_again(build) for build in builds if build["basis"] == "exact" and build["format"] == "gguf"]


def _read_again(build: dict[str, Any]) -> dict[str, Any]:
    """Recompute the sizes where the file is at hand, as the bundled model's is: older ones may lack facts."""
    path = find_file(build["files"], roots=())
    return {**build, "sizes": to_json(sizes_of(str(path), None))} if path else build
