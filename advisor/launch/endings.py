"""What follows when an engine ends or hangs: it is started again, or its launch fails with the cause."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from advisor.launch import process
from advisor.launch.document import MOST_RESTARTS
from advisor.launch.engine_process import why_it_ended
from advisor.launch.transitions import move
from advisor.models import Launch
from hardware.clock import uptime
from hardware.processes import Identity, boot_id

ATTEMPTS = 2  # starts in all: one retry when another program took the port first
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 120.0  # seconds before a restart, twice as long each time
SERVED_LONG = 600.0  # seconds after which an engine's earlier restarts are forgotten
NOBODY: dict[str, Any] = {"pid": None, "start_ticks": None, "boot_id": ""}


def ended(launch: Launch, who: Identity | None) -> None:
    """Handle an engine that exited unasked: end its leftover processes first, then release the reservation."""
    if process.stop_processes({str(launch.pk): None}, grace=0):
        return
    if who is None or who.boot_id != boot_id():
        move(launch, "lost", reason="restart", message="The machine was restarted while this ran.")
        return
    reason, message = cause(launch, process.exit_code(who.pid))
    if reason == "port" and launch.status == "starting" and launch.attempts < ATTEMPTS:
        move(launch, "queued", note="another program took the port; once more with another", **NOBODY)
        return
    # One that never served would only fail in the same way again.
    if launch.ready_at is None or not again(launch, message):
        fail(launch, reason, message)


def again(launch: Launch, why: str) -> bool:
    """Start the engine again after a pause, where the launch asks for that and it was not done too often in a row."""
    served = uptime() - launch.watch.get("ready", uptime())
    restarts = 0 if served > SERVED_LONG else launch.restarts
    if launch.restart != Launch.Restart.ON_FAILURE or restarts >= MOST_RESTARTS:
        return False
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**restarts)
    move(
        launch,
        "queued",
        note=f"restart {restarts + 1} of {MOST_RESTARTS}, in {pause:.0f} s",
        message=f"It is started again, because this happened: {why}",
        restarts=restarts + 1,
        attempts=0,
        watch={"not_before": uptime() + pause},
        **NOBODY,
    )
    return True


def fail(launch: Launch, reason: str, message: str) -> None:
    move(launch, "failed", note=reason, reason=reason, message=message)


def cause(launch: Launch, code: int | None) -> tuple[str, str]:
    """The reason and sentence for an engine that ended, from its last words and from how it ended."""
    reason, message = why_it_ended(launch)
    if reason != "exited" or not code:
        return reason, message
    if code == -signal.SIGKILL and out_of_memory(launch.watch.get("oom_kills"), oom_kills()):
        return "oom_host", "The memory of this machine, or of this container, ran out: the system ended the engine."
    if code < 0:
        return reason, f"{message} It was ended by {signal_name(-code)}."
    return reason, f"{message} Its exit status was {code}."


def out_of_memory(before: int | None, now: int | None) -> bool:
    return before is not None and now is not None and now > before


def oom_kills() -> int | None:
    """How many processes the kernel has ended because memory ran out, of the machine or of a control group."""
    try:
        rows = (line.split() for line in Path("/proc/vmstat").read_text().splitlines())
        return next((int(value) for name, value in rows if name == "oom_kill"), None)
    except OSError:  # not Linux
        return None


def signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"
