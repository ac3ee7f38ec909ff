"""Which process is which on this machine: a pid alone identifies nothing, because pids are reused."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Identity:
    """A unique process identity. `start_ticks`: ticks since boot (/proc/pid/stat, field 22), immune to clock jumps."""

    pid: int
    start_ticks: int
    boot_id: str


@cache
def boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        return str(int(psutil.boot_time()))


def stat(pid: int) -> tuple[str, int] | None:
    """State letter and start ticks of a process, or None if it does not exist."""
    try:
        # The command name in parentheses may contain spaces and parentheses: split after the last one.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0], int(fields[19])
    except (OSError, IndexError):
        return None


def identity(pid: int) -> Identity | None:
    """The process with this pid, or None where none runs: a zombie holds no memory."""
    found = stat(pid)
    return Identity(pid, found[1], boot_id()) if found and found[0] not in "ZX" else None


def runs(who: Identity) -> bool:
    return who.boot_id == boot_id() and identity(who.pid) == who
