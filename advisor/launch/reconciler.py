"""Rows and processes of this machine made to agree, one step per launch and look. `services.move` writes status."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import OperationalError
from django.utils import timezone

from advisor.launch import confirm, process, running
from advisor.launch.process import Identity
from advisor.launch.services import begin, move
from advisor.models import Launch
from hardware import ledger
from hardware.snapshots import stamp
from rest.logs import about

log = logging.getLogger(__name__)
GRACE = 5.0  # seconds from TERM to KILL
STALL = 120.0  # seconds without a sign of life while loading
LOOK_AGAIN = 20.0  # seconds between two looks at the memory of an engine that serves
BUDGET = 8.0  # seconds after which a look begins no further step: the longest takes 11, and a task may take 25
ATTEMPTS = 2  # starts in all: one more when another program was quicker to the port
MOST_STARTS = 5  # a launch whose worker dies at every start is given up
Marked = dict[str, list[Identity]]


@contextmanager
def turn(host_id: str) -> Iterator[bool]:
    """One reconciler a machine at a time; False: another has the turn. The kernel takes it back from whoever dies.

    A child between fork and exec holds it too, so nobody looks for the marker before it can be seen.
    """
    path = running.folder() / f"{host_id}.lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def reconcile(host_id: str) -> bool:
    """One look at every active launch of this machine. True while some launch is on its way somewhere."""
    with turn(host_id) as mine:
        if not mine:
            return True
        begun, marked = process.uptime(), process.marked()
        active = list(Launch.objects.filter(host_id=host_id, status__in=Launch.ACTIVE).order_by("created"))
        stopping(host_id, [launch for launch in active if launch.status == "stopping"])
        for launch in sorted((x for x in active if x.status in STEPS), key=lambda x: list(STEPS).index(x.status)):
            if process.uptime() - begun > BUDGET:
                return True
            guarded(STEPS[launch.status], launch, marked)
        leftovers(host_id, marked)
        return Launch.objects.filter(host_id=host_id, status__in=("queued", "starting", "stopping")).exists()


def settle(host_id: str, seconds: float, *, pause: float = 0.25) -> None:
    """Look again until nothing is on its way, at most `seconds`."""
    deadline = process.uptime() + seconds
    while reconcile(host_id) and process.uptime() + pause < deadline:
        time.sleep(pause)


def guarded(step: Callable[[Launch, Marked], None], launch: Launch, marked: Marked) -> None:
    """A row that cannot be handled must not hold up the others; a database that is away holds up all of them."""
    with about(launch.pk):
        try:
            step(launch, marked)
        except OperationalError:
            raise
        except Exception:
            log.exception("Launch %s could not be looked after while %s.", launch.pk, launch.status)


def queued(launch: Launch, marked: Marked) -> None:
    if launch.attempts >= MOST_STARTS:
        fail(launch, "spawn", f"The engine could not be started in {MOST_STARTS} attempts.")
        return
    if loading_beside(launch):
        return
    path = running.model_file(launch)
    if path is None:
        fail(launch, "file", "The model's file is not on this machine any more.")
        return
    good = running.verified(launch, path)
    if not good:
        if good is False:
            fail(launch, "file", f"{path.name} is not the published file: its checksum differs.")
        return
    confirmation = confirm.confirm(launch, path)
    port = process.free_port()
    try:
        command = running.command(launch, path, port)
    except (LookupError, ValueError) as error:
        fail(launch, "engine", str(error))
        return
    if not begin(
        launch,
        confirmation,
        command=command,
        model_path=str(path),
        port=port,
        attempts=launch.attempts + 1,
        started=timezone.now(),
        watch={"at": process.uptime(), "signs": None},
        **NOBODY,
    ):
        return
    try:
        record(launch, running.start(launch))
    except OSError as error:
        fail(launch, "spawn", f"The engine could not be started: {error.strerror or error}.")


NOBODY: dict[str, Any] = {"pid": None, "start_ticks": None, "boot_id": ""}


def loading_beside(launch: Launch) -> bool:
    """Two loads on one GPU mis-measure each other, and the engine sees memory vanish: one at a time."""
    others = Launch.objects.filter(host_id=launch.host_id, status="starting").values_list("devices", flat=True)
    return any(set(devices) & set(launch.devices) for devices in others)


def record(launch: Launch, who: Identity) -> None:
    """Who runs it, whatever the status is by now: a stop that came meanwhile needs it too."""
    fields = {"pid": who.pid, "start_ticks": who.start_ticks, "boot_id": who.boot_id}
    Launch.objects.filter(pk=launch.pk).update(**fields)
    launch.refresh_from_db()


def starting(launch: Launch, marked: Marked) -> None:
    who = running.recorded(launch)
    if who is None:
        # Whoever wrote the intent died before the record. Either the child runs, or there never was one.
        if found := marked.get(str(launch.pk)):
            record(launch, found[0])
        else:
            move(launch, "queued", note="the worker ended before the engine was started")
        return
    if not process.alive(who):
        ended(launch, who)
    elif running.serves(launch, who):
        measured = running.measure(launch, who)
        move(launch, "ready", ready_at=timezone.now(), measured=measured)
    else:
        watch(launch, who)


def watch(launch: Launch, who: Identity) -> None:
    now, signs = process.uptime(), running.sign_of_life(launch, who)
    if signs != launch.watch.get("signs"):
        Launch.objects.filter(pk=launch.pk).update(watch={"at": now, "signs": signs})
    elif now - launch.watch["at"] > STALL:
        message = f"The engine said nothing and read nothing for {STALL:.0f} s while loading."
        move(launch, "stopping", note="no sign of life", reason="stall", message=message)


def ready(launch: Launch, marked: Marked) -> None:
    who = running.recorded(launch)
    if who is None or not process.alive(who):
        ended(launch, who)
    elif process.uptime() - launch.watch.get("at", 0) > LOOK_AGAIN:
        grown(launch, who)


def grown(launch: Launch, who: Identity) -> None:
    """What is measured is the most that was held so far: some of it is touched only by longer prompts."""
    measured, now = launch.measured, process.held_bytes(who)
    before = measured["host"]["total"] if measured else None
    if measured and before and now and now > before:
        total = measured["total_bytes"] and measured["total_bytes"] + now - before
        host = {**measured["host"], "total": now}
        measured = {**measured, "total_bytes": total, "host": host, "at": stamp(timezone.now())}
    watch = {**launch.watch, "at": process.uptime()}
    Launch.objects.filter(pk=launch.pk, status="ready").update(watch=watch, measured=measured)


def ended(launch: Launch, who: Identity | None) -> None:
    """The engine is gone without having been asked. What it left behind goes first, then the reservation."""
    if process.stop({str(launch.pk): None}, grace=0):
        return
    if who is None or who.boot_id != process.boot_id():
        move(launch, "lost", reason="restart", message="The machine was restarted while this ran.")
        return
    reason, message = running.cause(launch)
    if reason == "port" and launch.status == "starting" and launch.attempts < ATTEMPTS:
        move(launch, "queued", note="another program took the port; once more with another", **NOBODY)
    else:
        fail(launch, reason, message)


def fail(launch: Launch, reason: str, message: str) -> None:
    move(launch, "failed", note=reason, reason=reason, message=message)


# In the order in which they are looked after.
STEPS: dict[str, Callable[[Launch, Marked], None]] = {"ready": ready, "starting": starting, "queued": queued}


def stopping(host_id: str, launches: list[Launch]) -> None:
    """End all that are to end, together: one grace for all of them keeps the task short."""
    if not launches:
        return
    left = process.stop({str(launch.pk): running.recorded(launch) for launch in launches}, grace=GRACE)
    for launch in launches:
        if str(launch.pk) not in left:
            move(launch, "failed" if launch.reason else "stopped", note="nothing of it runs any more")


def leftovers(host_id: str, marked: Marked) -> None:
    """Processes of launches that are over, and memory held for launches that are over or never were."""
    named = {}
    for marker in marked:
        try:
            named[UUID(marker)] = marker
        except ValueError:
            continue
    # A marker without a row is another installation's: not ours to end.
    over = Launch.objects.filter(pk__in=named, host_id=host_id, status__in=Launch.FINAL).values_list("pk", flat=True)
    if orphans := [named[pk] for pk in over]:
        process.stop(dict.fromkeys(orphans), grace=GRACE)
    holders = set(ledger.held(host_id))
    alive = set(Launch.objects.filter(pk__in=holders, status__in=Launch.ACTIVE).values_list("pk", flat=True))
    for holder in holders - alive:
        log.warning("Memory was still held for launch %s, which is over; released.", holder)
        ledger.release(holder)
