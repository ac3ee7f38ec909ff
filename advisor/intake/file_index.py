"""The index of model files on this machine: kept up in the background, so that no question opens a file."""

from __future__ import annotations

import logging
from pathlib import PurePosixPath
from typing import Any

from advisor.files.origins import FileSet, file_sets
from advisor.intake.local_file import identify
from advisor.models import LocalFile
from catalog import version
from catalog.models import Build
from hardware.snapshots import this_host

log = logging.getLogger(__name__)
Published = dict[str, list[tuple[str, str, list[Any]]]]
MOST_FILES = 5_000
MOST_READ = 60  # headers in one pass, which must end soon; the next pass goes on


def index_files() -> int:
    """Bring the rows of this machine up to date; the number of files that were looked at anew."""
    host, catalog = this_host(), version.current()
    published: Published | None = None
    known = dict(LocalFile.objects.filter(host=host).values_list("path", "state"))
    here: set[str] = set()
    read = 0
    for number, found in enumerate(file_sets()):
        path = str(found.parts[0].path)
        if path in here or number >= MOST_FILES:
            continue
        here.add(path)
        state = f"{found.state[:32]}{catalog[:32]}"
        if known.get(path) == state or read >= MOST_READ:
            continue
        read += 1
        # Not out of the catalog that answers are made of: that is 60 MB, which a worker does without.
        published = published_builds() if published is None else published
        LocalFile.objects.update_or_create(host=host, path=path, defaults=row(found, published) | {"state": state})
    if gone := set(known) - here:
        LocalFile.objects.filter(host=host, path__in=gone).delete()
    return read


def published_builds() -> Published:
    """Id, model and files of the builds that name their files, by the name of the first."""
    by_name: Published = {}
    for key, slug, files in Build.objects.exclude(files=[]).values_list("key", "model__slug", "files").iterator():
        ordered = sorted(files, key=lambda file: str(file["path"]))
        by_name.setdefault(PurePosixPath(ordered[0]["path"]).name, []).append((key, slug, ordered))
    return by_name


def row(found: FileSet, published: Published) -> dict[str, Any]:
    first = found.parts[0]
    row: dict[str, Any] = {
        "origin": found.origin,
        "parts": [{"path": p.path.name, "bytes": p.bytes, "sha256": p.sha256, "at": str(p.path)} for p in found.parts],
        "bytes": sum(part.bytes for part in found.parts),
        "complete": not found.missing,
    }
    if found.missing:
        count = len(found.parts) + found.missing
        return row | blank(f"{found.missing} of its {count} parts are not here.")
    known = identify([part.path for part in found.parts], first.name.removesuffix(".gguf"))
    build, model = published_build(found, published)
    named = build or (f"file:{known.digest}" if known.digest and known.kind == "weights" else "")
    return row | {
        **{name: getattr(known, name) for name in ("kind", "architecture", "quantization", "name", "base", "task")},
        "sizes": known.sizes,
        "problem": known.problem,
        "complete": bool(known.digest),
        "build": named,
        "model": model,
    }


def blank(problem: str) -> dict[str, Any]:
    text = dict.fromkeys(("architecture", "quantization", "name", "base", "build", "model"), "")
    return {**text, "kind": "weights", "task": "generate", "sizes": None, "problem": problem}


def published_build(found: FileSet, published: Published) -> tuple[str, str]:
    """The catalog's build of exactly these files and its model, by name and bytes, and by checksum where both sides
    know it; empty where there is none."""
    for key, slug, files in published.get(found.parts[0].name, ()):
        if len(files) == len(found.parts) and all(same(f, p) for f, p in zip(files, found.parts, strict=True)):
            return key, slug
    return "", ""


def same(file: Any, part: Any) -> bool:
    sums = {file.get("sha256"), part.sha256} - {None}
    return bool(str(file["path"]).rpartition("/")[2] == part.name and file["bytes"] == part.bytes and len(sums) < 2)
