"""The GGUF files under one folder: walked once, and again when something there has changed.

The folder is somebody else's: whatever cannot be read is left out and named in a sentence, never an error.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

Found = dict[tuple[str, int], Path]  # (file name, bytes) -> path
State = tuple[int, int]  # last change of the inode in ns, bytes
MOST_ENTRIES = 200_000  # a folder with more is somebody's whole disk
MANY = 500  # folders and files whose look-up takes about a millisecond
LOOKED_AT = 2.0  # seconds for which a long listing is taken as it is
MOST_PROBLEMS = 50  # that are named; the rest is counted
# A folder that changed this shortly before it was walked may change again within one tick of its timestamp.
TICK_NS = 50_000_000
PROBLEMS_FOR = 10.0  # seconds: what is wrong may be put right where no timestamp of ours tells, as behind a link


@dataclass(slots=True)
class Listing:
    """The files of a root, what could not be read, and the state by which a change is noticed.

    States are of the inode (its last change, in ns, and its size): unlike the time of its content, nobody can set them,
    and a permission put right changes them.
    """

    files: Found = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    more_problems: int = 0
    states: dict[str, State] = field(default_factory=dict)  # a growing file leaves its folder alone
    entries: int = 0
    walked: float = 0.0  # monotonic seconds, as `looked`
    looked: float = 0.0
    settled: bool = False

    def problem(self, sentence: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(sentence)
        else:
            self.more_problems += 1


_known: dict[Path, Listing] = {}


def listing(root: Path) -> Listing:
    """What lies under `root`, at most `LOOKED_AT` seconds old."""
    known = _known.get(root)
    if known is None or not unchanged(known):
        known = _known[root] = walk(root)
    return known


def unchanged(known: Listing) -> bool:
    now = time.monotonic()
    if len(known.states) > MANY and now - known.looked < LOOKED_AT:
        return True
    if not known.settled or (known.problems and now - known.walked > PROBLEMS_FOR):
        return False
    try:
        same = all(state(os.stat(path)) == then for path, then in known.states.items())
    except OSError:
        return False
    known.looked = now
    return same


def state(about: os.stat_result) -> State:
    return about.st_ctime_ns, about.st_size


def walk(root: Path) -> Listing:
    """Every GGUF file under `root` in the order of its path; links to folders are not followed."""
    now, began = time.monotonic(), time.time_ns()
    found = Listing(walked=now, looked=now)
    try:
        top = root.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself, before Python 3.13
        found.problem(f"{shown(str(root))} cannot be read ({reason(error)}).")
        return found
    for entry in entries(str(top), found):
        add(entry, top, found)
    if found.entries > MOST_ENTRIES:
        found.problem(f"{shown(str(root))} holds more than {MOST_ENTRIES:,} entries: the rest is left out.")
    if found.more_problems:
        found.problems.append(f"{found.more_problems:,} more entries of {shown(str(root))} are left out.")
    found.settled = bool(found.states) and all(abs(began - at) > TICK_NS for at, _ in found.states.values())
    return found


def entries(top: str, found: Listing) -> Iterator[os.DirEntry[str]]:
    """All files below `top`, folder by folder in the order of their names."""
    waiting = [top]
    while waiting and found.entries <= MOST_ENTRIES:
        folder = waiting.pop()
        try:
            found.states[folder] = state(os.stat(folder))
            with os.scandir(folder) as held:
                inside = sorted(islice(held, MOST_ENTRIES + 1 - found.entries), key=lambda entry: entry.name)
        except OSError as error:
            if folder != top or not isinstance(error, FileNotFoundError):
                found.problem(f"{shown(folder)} cannot be read ({reason(error)}).")
            continue
        found.entries += len(inside)
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
        found.problem(f"{shown(entry.path)} is left out: its name cannot be written.")
        return
    path = Path(entry.path)
    try:
        # A link may have any name and point anywhere: check where it resolves to.
        inside, about = path.resolve(strict=True).is_relative_to(top), path.stat()
    except (OSError, RuntimeError) as error:
        found.problem(f"{path} cannot be read ({reason(error)}).")
        return
    found.states[entry.path] = state(about)
    if not inside:
        found.problem(f"{path} is left out: it leads out of {top}.")
    elif not stat.S_ISREG(about.st_mode):
        found.problem(f"{path} is left out: it is not a file.")
    elif not os.access(path, os.R_OK):
        found.problem(f"{path} cannot be read (Permission denied).")
    else:
        found.files.setdefault((path.name, about.st_size), path)


def shown(path: str) -> str:
    """The path with what is no text in it escaped."""
    return path.encode("utf-8", "backslashreplace").decode()


def reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or "a link that leads to itself"
