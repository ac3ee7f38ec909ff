"""Child processes that outlive the worker: spawn, identify, check, stop, find by marker. Knows no model and no Django.

A process that was never recorded is found by the marker in its environment. killpg misses a grandchild that called
setsid; the marker finds that too.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from hardware.clock import uptime
from hardware.processes import Identity, boot_id, identity, runs, stat

MARKER = "BERTH_LAUNCH_ID"
LOG_CAP = 16 << 20
PUMP = Path(__file__).with_name("log_pump.py")


def alive(who: Identity) -> bool:
    """Whether this very process runs. A zombie counts as dead, and so does a reused pid."""
    reap()
    return runs(who)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that was free a moment ago, picked by the kernel: scanning a range could give one port to two launches."""
    with socket.socket() as listener:
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
        return port


def spawn(
    argv: Sequence[str], *, marker: str, env: Mapping[str, str], log: Path, cwd: Path, log_cap: int = LOG_CAP
) -> Identity:
    """Start `argv` as leader of a new session, its output piped into `log`. Raises OSError when it cannot start."""
    reap()
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    reader, writer = os.pipe()
    try:
        pump = [sys.executable, "-I", "-S", str(PUMP), str(log), str(log_cap)]
        own = {"PATH": os.environ.get("PATH", os.defpath)}
        _start(pump, stdin=reader, stdout=subprocess.DEVNULL, env=own, cwd=cwd)
        child = _start(list(argv), stdin=subprocess.DEVNULL, stdout=writer, env={**env, MARKER: marker}, cwd=cwd)
    finally:
        os.close(reader)
        os.close(writer)
    found = stat(child)
    return Identity(child, found[1] if found else 0, boot_id())


def _start(argv: list[str], *, stdin: int, stdout: int, env: Mapping[str, str], cwd: Path) -> int:
    process = subprocess.Popen(  # noqa: S603 (a list, never a shell; binaries from settings)
        argv, stdin=stdin, stdout=stdout, stderr=subprocess.STDOUT, env=dict(env), cwd=cwd, start_new_session=True
    )
    # The child is meant to outlive this object and this process: identity and marker keep track of it. Popen would warn
    # of a running child when it is collected.
    process.returncode = 0
    _children.add(process.pid)
    return process.pid


_children: set[int] = set()
_statuses: dict[int, int] = {}  # of children that ended, by pid, the newest


def reap() -> None:
    """Reap exited children of this process, so that none stays a zombie, and remember how they ended."""
    for pid in list(_children):
        try:
            gone, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            gone, status = pid, None
        if gone == pid:
            _children.discard(pid)
            if status is not None:
                _statuses.pop(pid, None)
                _statuses[pid] = os.waitstatus_to_exitcode(status)
    while len(_statuses) > 1000:
        del _statuses[next(iter(_statuses))]


def exit_code(pid: int) -> int | None:
    """How a child of this process ended: its exit status, or minus its signal. None where nobody here knows."""
    reap()
    return _statuses.get(pid)


def marked() -> dict[str, list[Identity]]:
    """Every live process that carries the marker, by marker value; session leaders first, then oldest first."""
    reap()
    found: dict[str, list[Identity]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            value = process.environ().get(MARKER)
            who = identity(process.pid) if value else None
            if value and who:
                found.setdefault(value, []).append(who)
    for group in found.values():
        group.sort(key=lambda who: (not _leads(who), who.start_ticks))
    return found


def _leads(who: Identity) -> bool:
    try:
        return os.getsid(who.pid) == who.pid
    except OSError:
        return False


def terminate(group: Sequence[Identity], number: signal.Signals = signal.SIGTERM) -> None:
    """Signal each of these processes, if it still is the same one, and the process group that it leads."""
    for who in group:
        if alive(who):
            with suppress(ProcessLookupError, PermissionError):
                if os.getpgid(who.pid) == who.pid:
                    os.killpg(who.pid, number)
                else:
                    os.kill(who.pid, number)


def stop_processes(groups: Mapping[str, Identity | None], *, grace: float = 5.0) -> set[str]:
    """SIGTERM everything in `{marker: leader or None}`, wait `grace` seconds in all, SIGKILL, then sweep by marker.

    Returns the markers that still have a process after grace + 2 s: none, unless one hangs in the kernel.
    """
    by_marker = marked()
    group = [who for who in groups.values() if who]
    # Signal the leader first and alone: it ends its own workers better than we can.
    group += [found[0] for m, who in groups.items() if not (who and alive(who)) and (found := by_marker.get(m))]
    terminate(group)
    terminate(wait(group, grace), signal.SIGKILL)
    deadline = uptime() + 2
    while left := remaining(groups):
        if uptime() > deadline:
            return set(left)
        everyone = [who for found in left.values() for who in found]
        terminate(everyone, signal.SIGKILL)
        wait(everyone, 0.2)
    return set()


def remaining(groups: Mapping[str, Identity | None]) -> dict[str, list[Identity]]:
    """The processes still running, by marker.

    An exiting leader has lost its environment, hence its marker, but still holds memory.
    """
    found = {marker: list(who) for marker, who in marked().items() if marker in groups}
    for marker, leader in groups.items():
        if leader and marker not in found and alive(leader):
            found[marker] = [leader]
    return found


def wait(group: Sequence[Identity], seconds: float) -> list[Identity]:
    """The processes still alive after at most `seconds`; returns as soon as none is."""
    deadline = uptime() + seconds
    while left := [who for who in group if alive(who)]:
        if uptime() >= deadline:
            break
        time.sleep(0.02)
    return left


def tree(who: Identity) -> list[psutil.Process]:
    """The process and its descendants; empty when it no longer runs."""
    try:
        root = psutil.Process(who.pid)
        return [root, *root.children(recursive=True)] if alive(who) else []
    except psutil.NoSuchProcess:
        return []


def held_bytes(who: Identity) -> int | None:
    """Bytes of host memory held by the process and its descendants, whatever else runs on the machine.

    The sum of each one's own memory (USS), plus once the largest part that one of them may share. None when the process
    is gone or may not be read.
    """
    try:
        held = [process.memory_full_info() for process in tree(who)]
    except psutil.Error:
        return None
    return sum(one.uss for one in held) + max((one.rss - one.uss for one in held), default=0) or None


def taken_bytes(who: Identity) -> int:
    """Bytes that the process and its descendants keep from everybody else: memory without a file behind it.

    Pages of a file, as of the engine's own program, the kernel still reports as available. 0 where it does not say.
    """
    total = 0
    for one in tree(who):
        with suppress(OSError):
            rows = dict(
                line.split(":", 1) for line in Path(f"/proc/{one.pid}/smaps_rollup").read_text().split("\n")[1:-1]
            )
            total += sum(int(rows[name].split()[0]) << 10 for name in ("Pss_Anon", "Pss_Shmem") if name in rows)
    return total


def read_bytes(who: Identity) -> int:
    """Bytes that the process and its descendants have read from disk so far; 0 where the kernel does not report it."""
    total = 0
    for process in tree(who):
        with suppress(psutil.Error, AttributeError):
            total += process.io_counters().read_bytes
    return total


def threads() -> int:
    """Physical cores available to us minus one, at least 1: a server on all cores starves the machine."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    return max(1, min(cores, allowed) - 1)
