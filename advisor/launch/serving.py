"""Engines that serve are looked at again and again: does the process live, does it answer, is its GPU still there?"""

from __future__ import annotations

from django.utils import timezone

from advisor.launch import engine_health, process
from advisor.launch.document import MOST_RESTARTS
from advisor.launch.endings import again, ended, fail
from advisor.launch.engine_process import adapter_of, recorded
from advisor.launch.transitions import move
from advisor.models import Launch
from hardware import ledger
from hardware.clock import uptime
from hardware.models import Accelerator
from hardware.processes import Identity
from hardware.snapshots import stamp

LOOK_AGAIN = 20.0  # seconds between two looks at an engine that is well
MOST_FAILURES = 3  # looks in a row that find something wrong before a launch is called unhealthy
HANGS_FOR = 30.0  # seconds an unhealthy engine has to recover before it is started again
Marked = dict[str, list[Identity]]


def ready(launch: Launch, marked: Marked) -> None:
    who = recorded(launch)
    failures = launch.watch.get("failures", 0)
    if who is None or not process.alive(who):
        ended(launch, who)
    elif failures or uptime() - launch.watch.get("at", 0) > LOOK_AGAIN:
        wrong = what_is_wrong(launch)
        noted(launch, failures=failures + 1 if wrong else 0)
        if not wrong:
            grown(launch, who)
        elif failures + 1 >= MOST_FAILURES:
            noted(launch, failures=failures + 1, unhealthy=uptime())
            move(launch, "unhealthy", note=wrong, message=wrong)


def unhealthy(launch: Launch, marked: Marked) -> None:
    who = recorded(launch)
    if who is None or not process.alive(who):
        ended(launch, who)
    elif not (wrong := what_is_wrong(launch)):
        noted(launch, failures=0)
        move(launch, "ready", note="it answers again", message="")
    elif launch.restart == Launch.Restart.ON_FAILURE and uptime() - launch.watch.get("unhealthy", 0) > HANGS_FOR:
        left = process.stop_processes({str(launch.pk): who}, grace=1)
        if not left and not again(launch, wrong):
            fail(launch, "stall", f"It was ended after {MOST_RESTARTS} restarts: {wrong}")


def what_is_wrong(launch: Launch) -> str:
    """Why the engine does not serve although its process lives, one sentence; empty when it does serve."""
    here = Accelerator.objects.filter(host_id=launch.host_id, uuid__in=launch.devices, present=True)
    if gone := set(launch.devices) - set(here.values_list("uuid", flat=True)):
        return f"The newest reading of this machine does not show {', '.join(sorted(gone))}, which the model is on."
    known = adapter_of(launch)
    if known and launch.port and engine_health.get_json(launch.port, known.HEALTH) is not None:
        return ""
    return "The engine's process runs, and its server does not say that it is well."


def noted(launch: Launch, **more: float) -> None:
    launch.watch = {**launch.watch, "at": uptime(), **more}
    Launch.objects.filter(pk=launch.pk, status=launch.status).update(watch=launch.watch)


def grown(launch: Launch, who: Identity) -> None:
    """Raise the measured memory to the highest value seen: some of it is touched only by longer prompts."""
    measured, now = launch.measured, process.held_bytes(who)
    before = measured["host"]["total"] if measured else None
    if measured and before and now and now > before:
        total = measured["total_bytes"] and measured["total_bytes"] + now - before
        host = {**measured["host"], "total": now}
        measured = {**measured, "total_bytes": total, "host": host, "at": stamp(timezone.now())}
        Launch.objects.filter(pk=launch.pk, status="ready").update(measured=measured)
    note_loaded(launch, {}, who)


def note_loaded(launch: Launch, devices: dict[str, int], who: Identity) -> None:
    """Tell the ledger what the engine holds by now: the driver counts it as used, so it is not to be kept free too."""
    ledger.loaded(launch.pk, launch.host_id, devices | {ledger.RAM: process.taken_bytes(who)}, uptime(), who)
