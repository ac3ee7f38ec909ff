"""Real builds of the seed and the machines that tests plan on."""

from __future__ import annotations

from functools import cache

from advisor.fit.allowances import DEVICE_MARGIN, GIB, kept
from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp.sizes_json import from_json
from advisor.fit.spec import Device, HostSpec
from catalog import seed

GB = 10**9


@cache
def sizes(slug: str, quantization: str = "Q4_K_M") -> BuildSizes:
    builds = seed.read(seed.DATA / "builds" / f"{slug}.json")["builds"]
    return from_json(next(b["sizes"] for b in builds if b["quantization"] == quantization))


def card(gib: float, bandwidth: int = 900, name: str = "card", **more: object) -> Device:
    memory = int(gib * GIB)
    available = memory - kept(DEVICE_MARGIN, memory)
    given = {"memory_bytes": memory, "available_bytes": available, "memory_bandwidth": bandwidth * GB} | more
    return Device(name=name, **given)  # type: ignore[arg-type]


def machine(*cards: Device, ram: float | None = 64) -> HostSpec:
    size = None if ram is None else int(ram * GIB)
    return HostSpec(devices=cards, ram_bytes=size, ram_available_bytes=size, cpu_cores=16)


def pooled(gib: float, share: float = 0.75) -> HostSpec:
    """A unified machine: one pool, of which the GPU may hold a share."""
    pool = int(gib * GIB)
    device = card(gib * share, 400, "pool", vendor="apple", unified=True)
    return HostSpec(devices=(device,), ram_bytes=pool, ram_available_bytes=pool, cpu_cores=12)
