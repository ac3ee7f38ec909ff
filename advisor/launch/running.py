"""What is done on the machine for one launch: start its engine, ask whether it serves, read why it ended, measure it.

Reads rows and touches processes; never writes a row.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.launch import files, health, process, registry
from advisor.launch.process import Identity
from advisor.launch.registry import Engine, Program
from advisor.models import Launch
from catalog.models import Build
from hardware.snapshots import refresh, stamp

# Of our own environment an engine gets these and no secret of ours.
PASSED_ON = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
SECRETS = re.compile(r"\b(hf_|brt_|sk-)[A-Za-z0-9_-]{8,}|(?<=Bearer )\S+")
LAST_WORDS = 4000  # bytes at the end of a log in which the cause of an end is looked for
QUESTION = "Count slowly in words, starting with one."
FILL_SECONDS = 1.0
LAST_WORDS_AFTER = (0.05, 0.25)  # seconds


def folder() -> Path:
    return Path(settings.BERTH_DATA) / "launches"


def log_path(launch_id: uuid.UUID) -> Path:
    return folder() / f"{launch_id}.log"


def log_tail(launch_id: uuid.UUID, size: int = 1 << 14) -> str:
    """The end of the engine's log, without anything that looks like a token."""
    return SECRETS.sub("[redacted]", health.log_tail(log_path(launch_id), size))


def engine(launch: Launch) -> Engine | None:
    return registry.engines().get(launch.engine)


def program(name: str) -> Program | None:
    """How this machine runs the engine of that name; None where it cannot."""
    known = registry.engines().get(name)
    return registry.program(known, lambda setting: getattr(settings, setting, "")) if known else None


def planned(launch: Launch) -> Settings:
    split = launch.settings.get("tensor_split")
    return Settings(**{**launch.settings, "tensor_split": tuple(split) if split else None})


def build_files(launch: Launch) -> list[dict[str, Any]]:
    row = Build.objects.filter(key=launch.build).values_list("files", flat=True).first()
    return list(row or [])


def model_file(launch: Launch) -> Path | None:
    """The file to serve, looked for again: it may have gone since the launch was asked for."""
    return files.find(build_files(launch), roots=settings.MODEL_ROOTS)


def verified(launch: Launch, path: Path) -> bool | None:
    return files.verify(path, build_files(launch), cache=folder() / "verified.json")


def command(launch: Launch, path: Path, port: int | None) -> list[str]:
    """The whole command line. Raises ValueError for a value that may not reach one, LookupError without a program."""
    known, how = engine(launch), program(launch.engine)
    if not known or not how:
        raise LookupError(f"No program for {launch.engine} is installed on this machine.")
    words = known.argv(
        planned(launch), model=str(path), alias=launch.alias, port=port, threads=process.threads(), binary=how.name
    )
    return [*how.words, *words[1:]]


def start(launch: Launch) -> Identity:
    """Start the engine of a launch whose command and port are written down. Raises OSError."""
    known = engine(launch)
    assert known
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return process.spawn(
        launch.command,
        marker=str(launch.pk),
        env={**passed, **known.env(launch.devices, str(launch.pk))},
        log=log_path(launch.pk),
        cwd=settings.BASE_DIR,
    )


def recorded(launch: Launch) -> Identity | None:
    if launch.pid is None or launch.start_ticks is None:
        return None
    return Identity(launch.pid, launch.start_ticks, launch.boot_id)


def serves(launch: Launch, who: Identity) -> bool:
    """Whether our own process answers under our alias on the port that it owns."""
    known = engine(launch)
    if not known or not launch.port or not health.owns(who, launch.port):
        return False
    return health.names(launch.port, launch.alias, models=known.MODELS, health=known.HEALTH)


def sign_of_life(launch: Launch, who: Identity) -> list[int]:
    """Changes while the engine talks or reads from the disk; what a stalled load does not do."""
    return [health.log_bytes(log_path(launch.pk)), process.read_bytes(who)]


def cause(launch: Launch) -> tuple[str, str]:
    """Reason and sentence for an engine that ended by itself, from the end of its log."""
    known = engine(launch)
    for pause in LAST_WORDS_AFTER:
        # The pump may still be writing down what the engine said at its end.
        time.sleep(pause)
        tail = log_tail(launch.pk, LAST_WORDS)
        for pattern, reason, sentence in known.CAUSES if known else ():
            if re.search(pattern, tail):
                return reason, sentence
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    last = f" Its last words: {lines[-1][:300]}" if lines else " It said nothing."
    return "exited", "The engine ended by itself." + last


def measure(launch: Launch, who: Identity) -> dict[str, Any]:
    """Speed of a short real completion, then all memory that the engine's processes hold; keys as in `predicted`.

    On the host by the kernel; on devices by NVML, or by the engine's own log where NVML does not know our processes (in
    a container it names the host's pids). None for what was not measured: half a total would look like the whole.
    """
    known = engine(launch)
    assert known
    speed = exercise(launch, known)
    logged = known.buffers(health.log_tail(log_path(launch.pk), 1 << 20))
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


def exercise(launch: Launch, known: Engine) -> health.Timings:
    """One short completion for the speed; then a prompt as long as the first one says is quick, up to a micro-batch.

    The kernel gives memory at the first touch, and the engine touches its whole compute buffer in its first full batch.
    """
    wanted = planned(launch)
    if not launch.port or wanted.embedding:
        return health.Timings()
    speed = health.complete(launch.port, launch.alias, QUESTION, chat=known.CHAT, tokens=32, seconds=5)
    room = min(wanted.ubatch, wanted.context // wanted.slots - 64)
    words = min(room, int((speed.prefill or 0) * FILL_SECONDS))
    if words > 0:
        health.complete(launch.port, launch.alias, " one" * words, chat=known.CHAT, tokens=1, seconds=5)
    return speed


def by_uuid(launch: Launch, place: str) -> str:
    """The accelerator behind the engine's name for it: "CUDA1" is the second of those that it was shown."""
    number = re.search(r"\d+$", place)
    index = int(number[0]) if number else len(launch.devices)
    return launch.devices[index] if index < len(launch.devices) else place


def device_bytes(launch: Launch, who: Identity) -> dict[str, int]:
    """Bytes by accelerator that NVML counts for our processes; empty without a GPU, or when it does not know them."""
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
