"""One reconciliation step for each launch status. Only `transitions` writes the status."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from advisor.launch import confirm, process, serving
from advisor.launch.downloading import downloading
from advisor.launch.endings import LONGEST_PAUSE, NOBODY, ended, fail, oom_kills
from advisor.launch.engine_process import (
    command_line,
    model_file,
    recorded,
    serves,
    sign_of_life,
    start_engine,
    verified,
)
from advisor.launch.measure import measure
from advisor.launch.serving import Marked, note_loaded
from advisor.launch.transitions import begin, move
from advisor.models import Launch
from hardware.clock import uptime
from hardware.processes import Identity

STALL = 120.0  # seconds without progress while loading
MOST_STARTS = 5  # a launch whose worker dies at every start is given up after these


def queued(launch: Launch, marked: Marked) -> None:
    if launch.attempts >= MOST_STARTS:
        fail(launch, "spawn", f"The engine could not be started in {MOST_STARTS} attempts.")
        return
    if paused(launch) or loading_beside(launch):
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
        watch={"at": uptime(), "signs": None, "oom_kills": oom_kills()},
        **NOBODY,
    ):
        return
    try:
        record(launch, start_engine(launch))
    except OSError as error:
        fail(launch, "spawn", f"The engine could not be started: {error.strerror or error}.")


def paused(launch: Launch) -> bool:
    """Whether a restart is still to wait. A pause that is too long is one of an earlier boot's clock."""
    left = float(launch.watch.get("not_before", 0)) - uptime()
    return 0 < left <= LONGEST_PAUSE


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
        serves_since = {"at": uptime(), "ready": uptime(), "oom_kills": launch.watch.get("oom_kills")}
        move(launch, "ready", ready_at=timezone.now(), measured=measured, watch=serves_since, message="")
    else:
        watch(launch, who)


def watch(launch: Launch, who: Identity) -> None:
    note_loaded(launch, {}, who)
    now, signs = uptime(), sign_of_life(launch, who)
    if signs != launch.watch.get("signs"):
        Launch.objects.filter(pk=launch.pk).update(watch={**launch.watch, "at": now, "signs": signs})
    elif now - launch.watch["at"] > STALL:
        message = f"The engine said nothing and read nothing for {STALL:.0f} s while loading."
        move(launch, "stopping", note="no sign of life", reason="stall", message=message)


# In the order in which a pass handles them.
STEPS: dict[str, Callable[[Launch, Marked], None]] = {
    "unhealthy": serving.unhealthy,
    "ready": serving.ready,
    "starting": starting,
    "downloading": downloading,
    "queued": queued,
}
