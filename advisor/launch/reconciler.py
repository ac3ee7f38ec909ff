"""The reconciler: brings launch rows and processes of this machine into agreement, one step per launch and pass."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError

from advisor.launch import process
from advisor.launch.downloading import end_unwanted
from advisor.launch.engine_process import launch_folder, recorded
from advisor.launch.serving import Marked
from advisor.launch.steps import STEPS
from advisor.launch.transitions import move, stop_launch
from advisor.models import Launch
from hardware import ledger
from hardware.clock import uptime
from rest.logs import about

log = logging.getLogger(__name__)
GRACE = 5.0  # seconds from SIGTERM to SIGKILL
MOST_TROUBLES = 5  # steps of a launch that raise, one after another, before it is given up
BUDGET = 8.0  # seconds after which a pass begins no further step: the longest takes 11, and a task may take 25


@contextmanager
def turn(host_id: str) -> Iterator[bool]:
    """The lock that admits one reconciler a machine; yields False if another holds it. Released by the kernel on death.

    A child between fork and exec holds it too, so that no reconciler looks for the marker before it is visible.
    """
    path = launch_folder() / f"{host_id}.lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def reconcile(host_id: str) -> bool:
    """One pass over every active launch of this machine. True while some launch is in transition."""
    with turn(host_id) as mine:
        if not mine:
            return True
        begun, marked = uptime(), process.marked()
        active = list(Launch.objects.filter(host_id=host_id, status__in=Launch.ACTIVE).order_by("created"))
        stopping(host_id, [launch for launch in active if launch.status == "stopping"])
        for launch in sorted((x for x in active if x.status in STEPS), key=turn_of):
            if uptime() - begun > BUDGET:
                return True
            guarded(STEPS[launch.status], launch, marked)
        leftovers(host_id, marked)
        end_unwanted(marked)
        return Launch.objects.filter(host_id=host_id, status__in=("queued", "starting", "stopping")).exists()


def turn_of(launch: Launch) -> tuple[int, float]:
    """Serving engines first, and those that were looked at longest ago: a pass may end before it has seen all."""
    return list(STEPS).index(launch.status), launch.watch.get("at", 0)


def settle(host_id: str, seconds: float, *, pause: float = 0.25) -> None:
    """Reconcile until no launch is in transition, for at most `seconds`."""
    deadline = uptime() + seconds
    while reconcile(host_id) and uptime() + pause < deadline:
        time.sleep(pause)


def guarded(step: Callable[[Launch, Marked], None], launch: Launch, marked: Marked) -> None:
    """Run one step: an error in one row must not hold up the others; a database that is unreachable stops the pass."""
    with about(launch.pk):
        try:
            step(launch, marked)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            trouble(launch, error)
        else:
            if launch.troubles:
                Launch.objects.filter(pk=launch.pk).update(troubles=0)


def trouble(launch: Launch, error: Exception) -> None:
    """Count a step that raised. After some in a row the launch fails with the reason, unless its engine serves: then it
    is looked at again.
    """
    seen = launch.troubles + 1
    if seen == 1:
        log.exception("%s could not be looked after while %s.", launch.model, launch.status)
    Launch.objects.filter(pk=launch.pk).update(troubles=seen)
    if seen < MOST_TROUBLES or launch.status in ("ready", "unhealthy"):
        return
    if not process.stop_processes({str(launch.pk): recorded(launch)}, grace=GRACE):
        reason = "file" if isinstance(error, OSError) else "internal"
        move(launch, "failed", note=reason, reason=reason, message=f"It failed while {launch.status}: {words(error)}.")


def words(error: Exception) -> str:
    """What went wrong, without what only a programmer reads."""
    if isinstance(error, OSError) and error.strerror:
        return f"{Path(error.filename).name}: {error.strerror}" if error.filename else error.strerror
    return f"an internal error ({type(error).__name__}), which the log of the worker describes"


def stopping(host_id: str, launches: list[Launch]) -> None:
    """End all launches that are stopping, together: one shared grace period keeps the task short."""
    if not launches:
        return
    left = process.stop_processes({str(launch.pk): recorded(launch) for launch in launches}, grace=GRACE)
    for launch in launches:
        if str(launch.pk) not in left:
            move(launch, "failed" if launch.reason else "stopped", note="nothing of it runs any more")


def leftovers(host_id: str, marked: Marked) -> None:
    """Clean up processes of launches that are over, and reservations of launches that are over or never existed."""
    named = {}
    for marker in marked:
        try:
            named[UUID(marker)] = marker
        except ValueError:
            continue
    # A marker without a row belongs to another installation and is left alone.
    over = Launch.objects.filter(pk__in=named, host_id=host_id, status__in=Launch.FINAL).values_list("pk", flat=True)
    if orphans := [named[pk] for pk in over]:
        process.stop_processes(dict.fromkeys(orphans), grace=GRACE)
    holders = set(ledger.held(host_id))
    alive = set(Launch.objects.filter(pk__in=holders, status__in=Launch.ACTIVE).values_list("pk", flat=True))
    for holder in holders - alive:
        log.warning("Memory was still held for launch %s, which is over; released.", holder)
        ledger.release(holder)


def end_started_here(grace: float = 3.0) -> list[int]:
    """End every engine that this installation has started, without asking the database. Returns the pids that are left.

    Another installation's engines carry marks too, but have no log in our folder.
    """
    ours = [marker for marker in process.marked() if (launch_folder() / f"{marker}.log").exists()]
    left = process.stop_processes(dict.fromkeys(ours), grace=grace) if ours else set()
    return sorted(who.pid for marker, found in process.marked().items() if marker in left for who in found)


def stop_all(timeout: float = 15.0) -> bool:
    """Stop every launch of this machine within `timeout` seconds. True when none is active any more."""
    active = Launch.objects.filter(host_id=settings.HOST_ID, status__in=Launch.ACTIVE)
    for pk in active.values_list("pk", flat=True):
        stop_launch(pk)
    settle(settings.HOST_ID, timeout)
    return not active.exists()
