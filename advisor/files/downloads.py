"""Downloads of builds: which runs, how far it is and how it ended. One for each build, however many launches wait."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

from hardware.clock import uptime

SPACE = uuid.UUID("5a0d1f6e-8f0c-4c53-9a55-3f9d3a1f7c11")
PREFIX = "fetch-"


def marker(build: str) -> str:
    """The mark of the process that fetches this build, for this installation: another one has its own."""
    return f"{PREFIX}{uuid.uuid5(SPACE, f'{settings.BERTH_DATA} {build}')}"


def folder() -> Path:
    return Path(settings.BERTH_DATA) / "launches"


def note_of(mark: str) -> Path:
    return folder() / f"{mark}.json"


class Note:
    """What the fetching process tells: `parts`, then `done`, or `reason` and `message`; `at` by the boot clock."""

    def __init__(self, build: str) -> None:
        self.path = note_of(marker(build))

    def read(self) -> dict[str, Any]:
        try:
            told = orjson.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def write(self, **told: Any) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        making = self.path.with_suffix(f".{os.getpid()}")
        making.write_bytes(orjson.dumps(self.read() | told | {"at": uptime()}))
        making.replace(self.path)


def progress(build: str) -> tuple[int, int, str | None]:
    """Bytes that are here, bytes in all, and the file that is being fetched. Zeros before the hub was asked."""
    parts = Note(build).read().get("parts") or []
    done, current = 0, None
    for path, size in parts:
        here = fetched(Path(path), size)
        done += here
        if here < size and current is None:
            current = Path(path).name
    return done, sum(size for _, size in parts), current


def fetched(target: Path, size: int) -> int:
    for path in (target, target.with_name(f"{target.name}.part")):
        try:
            return min(path.stat().st_size, size)
        except OSError:
            continue
    return 0


def others_left(build: str) -> int:
    """Bytes that other downloads have still to put on the disk."""
    left = 0
    for path in folder().glob(f"{PREFIX}*.json"):
        if path.stem != marker(build):
            try:
                told = orjson.loads(path.read_bytes())
                if not told.get("done") and not told.get("reason"):
                    left += sum(size - fetched(Path(at), size) for at, size in told.get("parts") or [])
            except (OSError, ValueError, TypeError, AttributeError):
                continue
    return left
