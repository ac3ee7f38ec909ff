"""Child processes that cannot outlive their parent, however it dies. Not for launched models, which are meant to."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def spawn_child(argv: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a child in a new session that gets SIGTERM when this process dies, even by SIGKILL.

    Call it from the main thread: Linux sends the signal when the *thread* that started the child ends. The new session
    keeps the terminal's Ctrl-C from reaching the child, so that the parent can end its children in order.
    """
    parent = os.getpid()

    def tie() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:  # the parent died between fork and prctl
                os._exit(1)

    return subprocess.Popen(argv, preexec_fn=tie, start_new_session=True, **options)  # noqa: PLW1509, S603 one thread


def stop(process: subprocess.Popen[bytes], grace: float) -> None:
    """Send SIGTERM, then do as `stop_after`."""
    if process.poll() is None:
        process.terminate()
    stop_after(process, grace)


def stop_after(process: subprocess.Popen[bytes], grace: float) -> None:
    """Wait up to `grace` seconds for the child, then SIGKILL whatever is left of its process group, child included."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    # the group is empty; macOS raises PermissionError for zombies
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
