"""Checksum verification of model files against the published sha256."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rest.json_text import read_json

MAGIC = b"GGUF"
CHUNK = 1 << 22
_readers: dict[str, Reader] = {}


def verify_checksums(
    path: Path, build_files: Sequence[Mapping[str, Any]], *, cache: Path, seconds: float = 5.0
) -> bool | None:
    """Whether the file and the other shards beside it hold the published bytes; None while still reading: ask again.

    Reads each file once per identity (as git's index does: inode, time of the last change, size) and keeps the digest
    in `cache`. A file whose sha256 is unknown must at
    least begin like a GGUF file. Hashing tens of gigabytes takes longer than a task may run, so a thread reads on
    between two calls. Raises OSError for a file that cannot be read to its end.
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
    reader = _readers.get(key)
    if reader is None or not reader.is_alive():
        reader = _readers[key] = Reader(path, key, cache)
        reader.start()
    reader.join(seconds)
    if reader.error:
        raise reader.error
    return _known(cache).get(key)


def identity(path: Path) -> str:
    """Changes with every write: a time of modification can be set back, that of the inode's change cannot."""
    stat = path.stat()
    return f"{path}:{stat.st_ino}:{stat.st_ctime_ns}:{stat.st_mtime_ns}:{stat.st_size}"


def _known(cache: Path) -> dict[str, str]:
    try:
        known = read_json(cache.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


class Reader(threading.Thread):
    """Reads one file for its digest; `error` is why it could not."""

    def __init__(self, path: Path, key: str, cache: Path) -> None:
        super().__init__(daemon=True)
        self.asked = path, key, cache
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            _read(*self.asked)
        except OSError as error:
            self.error = error


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
