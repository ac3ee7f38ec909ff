"""One reconciliation step for each launch status. Only `transitions` writes the status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from advisor.launch import confirm, process
from advisor.launch.engine_process import (
    command_line,
    model_file,
    recorded,
    serves,
    sign_of_life,
    start_engine,
    verified,
    why_it_ended,
)
from advisor.launch.measure import measure
from advisor.launch.transitions import begin, move
from advisor.models import Launch
from hardware import ledger
from hardware.clock import uptime
from hardware.processes import Identity, boot_id
from hardware.snapshots import stamp

STALL = 120.0  # seconds without progress while loading
LOOK_AGAIN = 20.0  # seconds between two memory measurements of a serving engine
ATTEMPTS = 2  # starts in all: one retry when another program took the port first
MOST_STARTS = 5  # a launch whose worker dies at every start is given up after these
Marked = dict[str, list[Identity]]


def queued(launch: Launch, marked: Marked) -> None:
    if launch.attempts >= MOST_STARTS:
        fail(launch, "spawn", f"The engine could not be started in {MOST_STARTS} attempts.")
        return
    if loading_beside(launch):
        return
    path = model_file(launch)
    if path is None:
        fail(launch, "file", "The model's file is not on this machine any more.")
        return
    good = verified(launch, path)
    if not good:
        if good is False:
            fail(launch, "file", f"{path.name} is not the published file: its checksum differs.")
        return
    confirmation = confirm.confirm(launch, path)
    port = process.free_port()
    try:
        command = command_line(launch, path, port)
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
        watch={"at": uptime(), "signs": None},
        **NOBODY,
    ):
        return
    try:
        record(launch, start_engine(launch))
    except OSError as error:
        fail(launch, "spawn", f"The engine could not be started: {error.strerror or error}.")


NOBODY: dict[str, Any] = {"pid": None, "start_ticks": None, "boot_id": ""}


def loading_beside(launch: Launch) -> bool:
    """Whether another launch is loading on the same devices.

    One at a time: concurrent loads on one GPU falsify each other's measurement, and the engine sees memory vanish.
    """
    others = Launch.objects.filter(host_id=launch.host_id, status="starting").values_list("devices", flat=True)
    return any(set(devices) & set(launch.devices) for devices in others)


def record(launch: Launch, who: Identity) -> None:
    """Record the process of a launch whatever its status is by now: a concurrent stop needs it too."""
    fields = {"pid": who.pid, "start_ticks": who.start_ticks, "boot_id": who.boot_id}
    Launch.objects.filter(pk=launch.pk).update(**fields)
    launch.refresh_from_db()


def starting(launch: Launch, marked: Marked) -> None:
    who = recorded(launch)
    if who is None:
        # The worker died between recording the intent and recording the process: either the child runs, or there never
        # was one.
        if found := marked.get(str(launch.pk)):
            record(launch, found[0])
        else:
            move(launch, "queued", note="the worker ended before the engine was started")
        return
    if not process.alive(who):
        ended(launch, who)
    elif serves(launch, who):
        measured = measure(launch, who)
        note_loaded(launch, {uuid: device["total"] for uuid, device in measured["devices"].items()}, who)
        move(launch, "ready", ready_at=timezone.now(), measured=measured)
    else:
        watch(launch, who)


def note_loaded(launch: Launch, devices: dict[str, int], who: Identity) -> None:
    """Tell the ledger what the engine holds by now: the driver counts it as used, so it is not to be kept free too."""
    ledger.loaded(launch.pk, launch.host_id, devices | {ledger.RAM: process.taken_bytes(who)}, uptime(), who)


def watch(launch: Launch, who: Identity) -> None:
    note_loaded(launch, {}, who)
    now, signs = uptime(), sign_of_life(launch, who)
    if signs != launch.watch.get("signs"):
        Launch.objects.filter(pk=launch.pk).update(watch={"at": now, "signs": signs})
    elif now - launch.watch["at"] > STALL:
        message = f"The engine said nothing and read nothing for {STALL:.0f} s while loading."
        move(launch, "stopping", note="no sign of life", reason="stall", message=message)


def ready(launch: Launch, marked: Marked) -> None:
    who = recorded(launch)
    if who is None or not process.alive(who):
        ended(launch, who)
    elif uptime() - launch.watch.get("at", 0) > LOOK_AGAIN:
        grown(launch, who)


def grown(launch: Launch, who: Identity) -> None:
    """Raise the measured memory to the highest value seen: some of it is touched only by longer prompts."""
    measured, now = launch.measured, process.held_bytes(who)
    before = measured["host"]["total"] if measured else None
    if measured and before and now and now > before:
        total = measured["total_bytes"] and measured["total_bytes"] + now - before
        host = {**measured["host"], "total": now}
        measured = {**measured, "total_bytes": total, "host": host, "at": stamp(timezone.now())}
    watch = {**launch.watch, "at": uptime()}
    Launch.objects.filter(pk=launch.pk, status="ready").update(watch=watch, measured=measured)
    note_loaded(launch, {}, who)


def ended(launch: Launch, who: Identity | None) -> None:
    """Handle an engine that exited unasked: end its leftover processes first, then release the reservation."""
    if process.stop_processes({str(launch.pk): None}, grace=0):
        return
    if who is None or who.boot_id != boot_id():
        move(launch, "lost", reason="restart", message="The machine was restarted while this ran.")
        return
    reason, message = why_it_ended(launch)
    if reason == "port" and launch.status == "starting" and launch.attempts < ATTEMPTS:
        move(launch, "queued", note="another program took the port; once more with another", **NOBODY)
    else:
        fail(launch, reason, message)


def fail(launch: Launch, reason: str, message: str) -> None:
    move(launch, "failed", note=reason, reason=reason, message=message)


# In the order in which a pass handles them.
STEPS: dict[str, Callable[[Launch, Marked], None]] = {"ready": ready, "starting": starting, "queued": queued}
