"""The smallest planner that answers everything: a file lies whole on a device or in main memory, read once a token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from advisor.fit.engines.base import (
    KINDS,
    NEVER,
    BadSetting,
    BuildTable,
    Ints,
    Outline,
    Placed,
    Screened,
    Setting,
    SettingsStep,
    Shortage,
)
from advisor.fit.spec import BuildSpec, Catalog, DeviceMemory, HostSpec, Memory, Range, Speed, Workload

NAME = "toy"
FORMATS = ("gguf",)
COMPUTED_FOR = "toy 1"
CLOSE = dict.fromkeys(KINDS, 1.0)
SETTINGS = (Setting("window", "whole", 1, 1 << 20, required=True), Setting("device", "truth"))
GPU, CPU = KINDS.index("gpu"), KINDS.index("cpu")
PER_TOKEN = 1 << 16  # bytes
READING = 2 * 10**12  # bytes a second, where nobody says


class Settings(NamedTuple):
    window: int  # tokens of all requests together
    requests: int = 1
    device: bool = False


def tabulate(catalog: Catalog) -> BuildTable:
    rows = [
        (m, b, 8 * build.bytes / build.sizes.parameters, build.bytes)
        for m, model in enumerate(catalog.models)
        for b, build in enumerate(model.builds)
        if build.sizes and build.sizes.parameters and build.format in FORMATS
    ]
    model, build, bits, size = np.array(rows, dtype=np.float64).reshape(len(rows), 4).T
    return BuildTable(model.astype(np.int64), build.astype(np.int64), bits, size)


def rooms(host: HostSpec) -> tuple[int, int]:
    return max((d.available_bytes for d in host.devices), default=-1), host.ram_available_bytes or 0


def screen(table: BuildTable, host: HostSpec, workload: Workload) -> Screened:
    need = table.columns + PER_TOKEN * workload.context * workload.concurrency
    device, ram = rooms(host)
    kind = np.where(need <= device, GPU, np.where(need <= ram, CPU, NEVER))
    room = np.where(kind == GPU, device, ram)
    nothing = np.zeros_like(need)
    left = np.clip(1 - need / np.maximum(room, 1), 0, 1)
    decode = READING / table.columns
    prompt = workload.context / decode
    return Screened(kind, left, left * room / PER_TOKEN, nothing, decode, prompt, np.zeros(len(need), dtype=bool))


def screen_kinds(table: BuildTable, rows: Ints, questions: Sequence[tuple[HostSpec, Workload]]) -> Ints:
    some = BuildTable(table.model[rows], table.build[rows], table.bits[rows], table.columns[rows])
    return np.array([screen(some, host, workload).kind for host, workload in questions])


def weigh(build: BuildSpec, host: HostSpec, settings: Settings) -> Placed:
    part, none = DeviceMemory(build.bytes, PER_TOKEN * settings.window, 0), DeviceMemory(0, 0, 0)
    device, ram = rooms(host)
    if settings.device:
        index = max(range(len(host.devices)), key=lambda i: host.devices[i].available_bytes)
        return Placed("gpu", settings, Memory((part,), none), (index,), (device - part.total,), ram)
    return Placed("cpu", settings, Memory((), part), (), (), ram - part.total)


def placements(build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool) -> Iterator[Placed]:
    for device in (True, False) if host.devices else (False,):
        settings = Settings(workload.context * workload.concurrency, workload.concurrency, device)
        placed = weigh(build, host, settings)
        if placed.fits:
            yield placed


def place(
    build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool, kinds: tuple[str, ...] = KINDS
) -> Placed | None:
    found = placements(build, host, workload, embedding=embedding)
    return next((placed for placed in found if placed.placement in kinds), None)


def stated(build: BuildSpec, host: HostSpec, settings: Settings) -> Placed:
    if settings.device and not host.devices:
        raise BadSetting("device", "The settings ask for a device; this machine has none.")
    return weigh(build, host, settings)


def speed(build: BuildSpec, host: HostSpec, placed: Placed, prompt_tokens: int) -> Speed:
    rate = READING / build.bytes
    one, wait = Range(rate, rate, rate), Range(*[prompt_tokens / rate] * 3)
    return Speed(one, one, wait, prompt_tokens, "roofline")


def more_context(build: BuildSpec, settings: Settings, room: int) -> float:
    return room / PER_TOKEN


def shortage(build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool) -> Shortage:
    need, (device, ram) = build.bytes + PER_TOKEN * workload.context, rooms(host)
    return Shortage(need, device, "gpu_memory") if host.devices else Shortage(need, ram, "host_memory")


def whole(build: BuildSpec, workload: Workload, *, embedding: bool) -> tuple[int, Workload]:
    return build.bytes + PER_TOKEN * workload.context * workload.concurrency, workload


def smaller_steps(build: BuildSpec, settings: Settings, contexts: Sequence[int]) -> Iterator[SettingsStep]:
    for context in contexts:
        if context < settings.window:
            yield SettingsStep("window", settings.window, context, build, settings._replace(window=context))


def read_settings(given: Mapping[str, Any], build: BuildSpec, host: HostSpec) -> Settings:
    return Settings(given["window"], device=given.get("device", bool(host.devices)))


def as_planned(settings: Settings, memory: Memory) -> Settings:
    return settings


def settings_document(settings: Settings, memory: Memory) -> dict[str, Any]:
    return {"window": settings.window, "device": settings.device}


def kept_settings(settings: Settings) -> dict[str, Any]:
    return settings._asdict()


def settings_kept(kept: Mapping[str, Any]) -> Settings:
    return Settings(**kept)


def outline(build: BuildSpec, settings: Settings) -> Outline:
    blocks = len(build.sizes.layers) if build.sizes else 0
    on_device = blocks if settings.device else 0
    return Outline(settings.requests, settings.window, "f16", blocks - on_device, on_device, embeds=False)
