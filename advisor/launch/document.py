"""A launch as the API's document, and the prediction stored when it is requested."""

from __future__ import annotations

from typing import Any

from advisor.engines.base import Program
from advisor.engines.registry import base_bytes
from advisor.files import downloads
from advisor.fit.engines.registry import planners
from advisor.fit.spec import DeviceMemory, Plan
from advisor.launch import shapes
from advisor.models import Launch
from hardware.clock import uptime
from hardware.models import Reservation
from hardware.snapshots import stamp

MOST_RESTARTS = 5  # in a row, before a launch is given up
# The step that a status stands for, and the sentence shown to a user who waits.
STEPS = {"queued": "waiting", "downloading": "downloading", "starting": "loading", "stopping": "stopping"}
SENTENCES = {
    "queued": "It waits for the worker of its host.",
    "downloading": "Its files are being downloaded.",
    "starting": "The engine is loading the model.",
    "ready": "The model answers at its endpoint.",
    "unhealthy": "Its process runs and does not answer.",
    "stopping": "The engine is being stopped.",
    "stopped": "It was stopped, and what it held is free again.",
    "failed": "It ended by itself; the log has the engine's last words.",
    "lost": "Nothing of it runs any more.",
}


def part(memory: DeviceMemory) -> shapes.MemoryParts:
    return {
        "weights": memory.weights,
        "kv": memory.kv,
        "compute": memory.compute,
        "overhead": memory.overhead,
        "total": memory.total,
    }


def prediction(plan: Plan, uuids: list[str], program: Program | None) -> shapes.Prediction:
    """Bytes that the engine's processes will hold, by device and on the host, with their sum; and the speed.

    On the host the plan's allowance for memory outside the engine's buffers is replaced by the measured figure of the
    program that will run, where there is one.
    """
    host, decode = part(plan.memory.host), plan.speed.decode
    if program and plan.build.sizes:
        base = base_bytes(program.name, n_vocab=plan.build.sizes.n_vocab, devices=len(uuids))
        if base is not None:
            host |= {"overhead": base, "total": host["total"] - host["overhead"] + base}
    devices = {uuid: part(memory) for uuid, memory in zip(uuids, plan.memory.devices, strict=True)}
    return {
        "total_bytes": host["total"] + sum(d["total"] for d in devices.values()),
        "devices": devices,
        "host": host,
        "decode_tokens_per_second": {"low": decode.low, "mid": decode.mid, "high": decode.high},
        "program": program.name if program else None,
        "computed_for": planners()[plan.engine].COMPUTED_FOR,
    }


def progress(launch: Launch) -> shapes.Progress | None:
    """The step in progress, with its bytes where a file is being fetched: an engine does not report its progress."""
    step = STEPS.get(launch.status)
    if step is None:
        return None
    if launch.status != Launch.Status.DOWNLOADING:
        return {"step": step, "done_bytes": None, "total_bytes": None}
    done, total, file = downloads.progress(launch.build)
    seen = launch.watch.get("bytes") or []
    rate = None
    if seen and (passed := uptime() - seen[0][0]) > 0:
        rate = max(0, round((done - seen[0][1]) / passed))
    left = round((total - done) / rate, 1) if rate else None
    told: shapes.Progress = {"step": step, "done_bytes": done, "total_bytes": total or None}
    return {**told, "bytes_per_second": rate, "seconds_left": left, "file": file}


def stated_settings(launch: Launch) -> dict[str, Any]:
    """The settings that a request may state, so that what is read here can be launched again unchanged."""
    planner = planners().get(launch.engine)
    known = {setting.name for setting in planner.SETTINGS} if planner else set(launch.settings)
    return {key: value for key, value in launch.settings.items() if key in known}


def launch_document(launch: Launch) -> shapes.Launch:
    """The launch as API.md defines it: bytes as integers, times in UTC, null for the unknown."""
    ready = launch.status == Launch.Status.READY
    # A finished launch holds nothing: a list of old launches needs no query for each.
    holder = launch.pk if launch.status in Launch.ACTIVE else None
    held = (
        Reservation.objects.filter(holder=holder).order_by("accelerator__uuid")
        if holder
        else Reservation.objects.none()
    )
    return {
        "id": str(launch.pk),
        "status": launch.status,
        "reason": launch.reason,
        "message": launch.message or SENTENCES[launch.status],
        "host": launch.host_id,
        "model": launch.model,
        "build": launch.build,
        "engine": launch.engine,
        "alias": launch.alias,
        "endpoint": f"http://127.0.0.1:{launch.port}/v1" if ready else None,
        "api_key": None,
        "settings": stated_settings(launch),
        "restart": {"policy": launch.restart, "done": launch.restarts, "most": MOST_RESTARTS},
        "command": launch.command,
        "progress": progress(launch),
        "predicted": launch.predicted,
        "measured": launch.measured,
        "reservations": [
            {"accelerator": uuid, "bytes": size} for uuid, size in held.values_list("accelerator__uuid", "bytes")
        ],
        "events": [
            {"at": stamp(event.at), "from": event.from_status, "to": event.to_status, "note": event.note}
            for event in launch.events.all()
        ],
        "created": stamp(launch.created),
        "updated": stamp(launch.updated),
    }
