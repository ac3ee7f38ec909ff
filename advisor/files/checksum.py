"""Checksum verification of model files against the published sha256."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MAGIC = b"GGUF"
CHUNK = 1 << 22
_readers: dict[str, threading.Thread] = {}


def verify_checksums(
    path: Path, build_files: Sequence[Mapping[str, Any]], *, cache: Path, seconds: float = 5.0
) -> bool | None:
    """Whether the file and the other shards beside it hold the published bytes; None while still reading: ask again.

    Reads each file once per identity (as git's index does: inode, time of the last change, size) and keeps the digest
    in `cache`. A file whose sha256 is unknown must at
    least begin like a GGUF file. Hashing tens of gigabytes takes longer than a task may run, so a thread reads on
    between two calls.
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
    key = identity(path)
    if known := _known(cache).get(key):
        return known
    if key not in _readers or not _readers[key].is_alive():
        _readers[key] = threading.Thread(target=_read, args=(path, key, cache), daemon=True)
        _readers[key].start()
    _readers[key].join(seconds)
    return _known(cache).get(key)


def identity(path: Path) -> str:
    """Changes with every write: a time of modification can be set back, that of the inode's change cannot."""
    stat = path.stat()
    return f"{path}:{stat.st_ino}:{stat.st_ctime_ns}:{stat.st_mtime_ns}:{stat.st_size}"


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
    if identity(path) != key:  # written to while it was read: the next call reads it again
        return
    cache.parent.mkdir(parents=True, exist_ok=True)
    # Replaced atomically: a reader sees the old or the new file. Two concurrent writers cost one digest, which is
    # computed again.
    fresh = cache.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
    fresh.write_text(json.dumps(_known(cache) | {key: digest.hexdigest()}))
    fresh.replace(cache)
