"""The index of model files on this machine: kept up in the background, so that no question opens a file."""

from __future__ import annotations

import logging
from typing import Any

from advisor.files.origins import FileSet, file_sets
from advisor.fit.ranking.catalog_arrays import Index
from advisor.intake.local_file import identify
from advisor.models import LocalFile
from advisor.selectors.catalog import catalog_index
from hardware.snapshots import this_host

log = logging.getLogger(__name__)
MOST_FILES = 5_000
MOST_READ = 60  # headers in one pass, which must end soon; the next pass goes on


def index_files() -> int:
    """Bring the rows of this machine up to date; the number of files that were looked at anew."""
    host, catalog = this_host(), catalog_index()
    known = dict(LocalFile.objects.filter(host=host).values_list("path", "state"))
    here: set[str] = set()
    read = 0
    for number, found in enumerate(file_sets()):
        path = str(found.parts[0].path)
        if path in here or number >= MOST_FILES:
            continue
        here.add(path)
        state = f"{found.state[:32]}{catalog.catalog.version[:32]}"
        if known.get(path) == state or read >= MOST_READ:
            continue
        read += 1
        LocalFile.objects.update_or_create(host=host, path=path, defaults=row(found, catalog) | {"state": state})
    if gone := set(known) - here:
        LocalFile.objects.filter(host=host, path__in=gone).delete()
    return read


def row(found: FileSet, catalog: Index) -> dict[str, Any]:
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
    build = published_build(found, catalog)
    named = build or (f"file:{known.digest}" if known.digest and known.kind == "weights" else "")
    return row | {
        **{name: getattr(known, name) for name in ("kind", "architecture", "quantization", "name", "base", "task")},
        "sizes": known.sizes,
        "problem": known.problem,
        "complete": bool(known.digest),
        "build": named,
        "model": catalog.builds[build][0].slug if build else "",
    }


def blank(problem: str) -> dict[str, Any]:
    text = dict.fromkeys(("architecture", "quantization", "name", "base", "build", "model"), "")
    return {**text, "kind": "weights", "task": "generate", "sizes": None, "problem": problem}


def published_build(found: FileSet, catalog: Index) -> str:
    """The catalog's build of exactly these files, by name and bytes, and by checksum where both sides know it."""
    for build in catalog.published.get(found.parts[0].name, ()):
        files = sorted(build.files, key=lambda file: str(file["path"]))
        if len(files) == len(found.parts) and all(same(f, p) for f, p in zip(files, found.parts, strict=True)):
            return build.id
    return ""


def same(file: Any, part: Any) -> bool:
    sums = {file.get("sha256"), part.sha256} - {None}
    return bool(str(file["path"]).rpartition("/")[2] == part.name and file["bytes"] == part.bytes and len(sums) < 2)
