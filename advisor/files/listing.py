"""The GGUF files under one folder: walked once, and again when something there has changed.

The folder is somebody else's: whatever cannot be read is left out and named in a sentence, never an error.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Found = dict[tuple[str, int], Path]  # (file name, bytes) -> path
MOST_ENTRIES = 200_000  # a folder with more is somebody's whole disk
MANY = 500  # folders and files whose look-up takes about a millisecond
LOOKED_AT = 2.0  # seconds for which a long listing is taken as it is
# A folder that changed this shortly before it was walked may change again within one tick of its timestamp.
TICK_NS = 50_000_000


@dataclass(slots=True)
class Listing:
    """The files of a root, what could not be read, and the times by which a change is noticed."""

    files: Found = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    folders: dict[str, int] = field(default_factory=dict)  # path -> time of its last change in ns
    sizes: dict[Path, int] = field(default_factory=dict)  # a growing file does not change its folder
    looked: float = 0.0  # monotonic seconds
    settled: bool = False


_known: dict[Path, Listing] = {}


def listing(root: Path) -> Listing:
    """What lies under `root`, at most `LOOKED_AT` seconds old."""
    known = _known.get(root)
    if known is None or not unchanged(known):
        known = _known[root] = walk(root)
    return known


def unchanged(known: Listing) -> bool:
    now = time.monotonic()
    if len(known.folders) + len(known.sizes) > MANY and now - known.looked < LOOKED_AT:
        return True
    try:
        same = known.settled and all(os.stat(path).st_mtime_ns == at for path, at in known.folders.items())
        same = same and all(path.stat().st_size == size for path, size in known.sizes.items())
    except OSError:
        return False
    known.looked = now
    return same


def walk(root: Path) -> Listing:
    """Every GGUF file under `root` in the order of its path; links to folders are not followed."""
    found, began = Listing(looked=time.monotonic()), time.time_ns()
    try:
        top = root.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself, before Python 3.13
        found.problems.append(f"{shown(str(root))} cannot be read ({reason(error)}).")
        return found
    for count, entry in enumerate(entries(str(top), found)):
        if count >= MOST_ENTRIES:
            found.problems.append(f"{shown(str(root))} holds more than {MOST_ENTRIES:,} entries: the rest is left out.")
            break
        add(entry, top, found)
    found.settled = bool(found.folders) and max(found.folders.values()) < began - TICK_NS
    return found


def entries(top: str, found: Listing) -> Iterator[os.DirEntry[str]]:
    """All files below `top`, folder by folder in the order of their names."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            changed = os.stat(folder).st_mtime_ns
            with os.scandir(folder) as held:
                inside = sorted(held, key=lambda entry: entry.name)
        except OSError as error:
            if folder != top or not isinstance(error, FileNotFoundError):
                found.problems.append(f"{shown(folder)} cannot be read ({reason(error)}).")
            continue
        found.folders[folder] = changed
        waiting += [entry.path for entry in reversed(inside) if is_folder(entry)]
        yield from (entry for entry in inside if not is_folder(entry))


def is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def add(entry: os.DirEntry[str], top: Path, found: Listing) -> None:
    """Lists the entry if it is a GGUF file, or says why it is none."""
    if not entry.name.endswith(".gguf"):
        return
    if not entry.path.isprintable():  # bytes that are no UTF-8 among them
        found.problems.append(f"{shown(entry.path)} is left out: its name cannot be written.")
        return
    path = Path(entry.path)
    try:
        # A link may have any name and point anywhere: check where it resolves to.
        inside, about = path.resolve(strict=True).is_relative_to(top), path.stat()
    except (OSError, RuntimeError) as error:
        found.problems.append(f"{path} cannot be read ({reason(error)}).")
        return
    if not inside:
        found.problems.append(f"{path} is left out: it leads out of {top}.")
    elif not stat.S_ISREG(about.st_mode):
        found.problems.append(f"{path} is left out: it is not a file.")
    elif not os.access(path, os.R_OK):
        found.problems.append(f"{path} cannot be read (Permission denied).")
    else:
        found.files.setdefault((path.name, about.st_size), path)
        found.sizes[path] = about.st_size


def shown(path: str) -> str:
    """The path with what is no text in it escaped."""
    return path.encode("utf-8", "backslashreplace").decode()


def reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or "a link that leads to itself"
