"""Measures the memory that a serving engine really holds, and its speed."""

from __future__ import annotations

import re

from django.utils import timezone

from advisor.engines.base import Adapter
from advisor.launch import engine_health, process
from advisor.launch.engine_process import adapter_of, launch_settings, log_path
from advisor.launch.shapes import Measurement
from advisor.models import Launch
from hardware.processes import Identity
from hardware.snapshots import refresh, stamp

QUESTION = "Count slowly in words, starting with one."
FILL_SECONDS = 1.0


def measure(launch: Launch, who: Identity) -> Measurement:
    """Speed of a short real completion, then all memory that the engine's processes hold; keys as in `predicted`.

    Host memory as the kernel counts it; device memory from NVML, or from the engine's own log where NVML does not know
    our processes (in a container it reports the host's pids). None for what was not measured: a partial total would
    look complete.
    """
    known = adapter_of(launch)
    assert known
    speed = exercise(launch, known)
    logged = known.buffers(engine_health.file_tail(log_path(launch.pk), 1 << 20))
    buffers = {by_uuid(launch, place): sizes for place, sizes in logged.items() if place != "host"}
    nvml = device_bytes(launch, who)
    devices = {
        uuid: {**buffers.get(uuid, {}), "total": nvml.get(uuid) or sum(buffers[uuid].values())}
        for uuid in launch.devices
        if uuid in nvml or uuid in buffers
    }
    host = process.held_bytes(who)
    complete = host is not None and len(devices) == len(launch.devices)
    return {
        "total_bytes": (host or 0) + sum(d["total"] for d in devices.values()) if complete else None,
        "devices": devices,
        "host": {"total": host, "buffers": logged.get("host")},
        "decode_tokens_per_second": speed.decode,
        "prefill_tokens_per_second": speed.prefill,
        "source": "nvml" if nvml else "engine log" if devices else "rss",
        "at": stamp(timezone.now()),
    }


def exercise(launch: Launch, known: Adapter) -> engine_health.Timings:
    """Measure speed by one short completion; then fill the buffers by a prompt as long as that speed allows."""
    fills = known.filling_tokens(launch_settings(launch))
    if not launch.port or not fills:
        return engine_health.Timings()
    speed = engine_health.complete(launch.port, launch.alias, QUESTION, chat=known.CHAT, tokens=32, seconds=5)
    words = min(fills, int((speed.prefill or 0) * FILL_SECONDS))
    if words > 0:
        engine_health.complete(launch.port, launch.alias, " one" * words, chat=known.CHAT, tokens=1, seconds=5)
    return speed


def by_uuid(launch: Launch, place: str) -> str:
    """The uuid behind the engine's name for a device: "CUDA1" is the second of those it was shown."""
    number = re.search(r"\d+$", place)
    index = int(number[0]) if number else len(launch.devices)
    return launch.devices[index] if index < len(launch.devices) else place


def device_bytes(launch: Launch, who: Identity) -> dict[str, int]:
    """Bytes by accelerator that NVML counts for our processes; empty without a GPU, or when NVML does not know them."""
    if not launch.devices:
        return {}
    data = refresh().data or {}
    ours = {one.pid for one in process.tree(who)}
    found: dict[str, int] = {}
    for device in data.get("accelerators", ()):
        held = [p["bytes"] for p in device.get("processes") or () if p["pid"] in ours and p["bytes"] is not None]
        if held and device["uuid"] in launch.devices:
            found[device["uuid"]] = sum(held)
    return found
