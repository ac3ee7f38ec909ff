"""A worker in a process of its own: `python -m tests.reliability.worker WINDOW SECONDS`, the database as JSON on stdin.

It looks at its rows until they have settled. In WINDOW, one of those below, it dies by SIGKILL as a real one would.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any


def main(window: str, seconds: float) -> None:
    from config import settings

    settings.DATABASES["default"] |= json.load(sys.stdin)
    import django

    django.setup()
    from django.conf import settings as ready

    from advisor.launch import confirm, process, steps
    from advisor.launch.reconciler import settle
    from hardware import ledger

    confirm.SECONDS = 30  # its windows lie behind the engine's answer, which a busy machine may give late
    windows: dict[str, tuple[Any, str, bool]] = {
        # module or class, function, whether it still runs before the end
        "while the engine is asked": (subprocess.Popen, "communicate", False),
        "while the larger plan is reserved": (ledger, "extend", False),
        "before the intent": (steps, "begin", False),
        "after the intent": (steps, "start_engine", False),
        "after the spawn": (steps, "record", False),
        "starting": (steps, "serves", False),
        "measured": (steps, "measure", True),
        "before the stop": (process, "stop_processes", False),
        "after TERM": (process, "wait", False),
        "stopped": (process, "stop_processes", True),
    }
    if window in windows:
        module, name, runs = windows[window]
        setattr(module, name, dying(getattr(module, name), runs))
    settle(ready.HOST_ID, seconds, pause=0.05)


def dying(function: Callable[..., Any], runs: bool) -> Callable[..., Any]:
    def wrapped(*args: Any, **named: Any) -> None:
        if runs:
            function(*args, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return wrapped


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
