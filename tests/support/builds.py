"""Real builds of the seed, and machines that tests plan on."""

from __future__ import annotations

from functools import cache

from advisor.fit.allowances import DEVICE_MARGIN, kept
from advisor.fit.build import BuildSizes
from advisor.fit.sizes_json import from_json
from advisor.fit.spec import BuildSpec, Device, HostSpec, ModelSpec, Strength
from advisor.fit.units import GIB
from catalog import seed

GB = 10**9


@cache
def sizes(slug: str, quantization: str = "Q4_K_M") -> BuildSizes:
    builds = seed.read_seed(seed.DATA / "builds" / f"{slug}.json")["builds"]
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
    """A unified machine: one memory pool, of which the GPU may use a share."""
    pool = int(gib * GIB)
    device = card(gib * share, 400, "pool", vendor="apple", unified=True)
    return HostSpec(devices=(device,), ram_bytes=pool, ram_available_bytes=pool, cpu_cores=12)


STRONG = Strength(score=80, low=75, high=85, basis="evidence")
WEAK = Strength(score=40, low=35, high=45, basis="evidence")


def build(slug: str, quantization: str = "Q4_K_M", **more: object) -> BuildSpec:
    made = sizes(slug, quantization)
    given = {"format": "gguf", "repo": None, "files": (), "basis": "computed"} | more
    return BuildSpec(id=f"{slug}:{quantization}", quantization=quantization, bytes=made.file_bytes, sizes=made, **given)  # type: ignore[arg-type]


def model(
    slug: str, strength: Strength = STRONG, quantizations: tuple[str, ...] = ("Q4_K_M",), **more: object
) -> ModelSpec:
    given = {
        "name": slug,
        "hub_id": f"org/{slug}",
        "family": slug,
        "licence": "apache-2.0",
        "commercial": "yes",
        "released": "2026-01-01",
        "parameters_total": sizes(slug).parameters,
        "parameters_active": None,
        "context_length": sizes(slug).context_length,
        "input_modalities": ("text",),
        "languages": (),
        "tool_use": None,
        "reasoning": None,
        "task": "generate",
        "superseded_by": None,
        "builds": tuple(build(slug, q) for q in quantizations),
        "strengths": {"general": strength},
    } | more
    return ModelSpec(slug=slug, **given)  # type: ignore[arg-type]
