"""Memory of a build as a function of context on one host, and its placement at each context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp.placement import on_gpu, place, settings_for, weigh
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.tensor_split import device_groups, singles
from advisor.fit.spec import HostSpec, Workload

LEAST = 4096
STEPS = 3  # minimum number of doublings below a short limit


@dataclass(frozen=True, slots=True)
class Need:
    """`bytes` on all devices together, or in the single memory pool; `placement` is None when nothing fits."""

    context: int
    bytes: int
    placement: str | None
    kv_type: str = "f16"


def contexts(limit: int) -> list[int]:
    """Powers of two up to the model's trained context, and that context itself."""
    least = min(LEAST, max(128, limit >> STEPS))
    powers = [1 << bit for bit in range(7, 28) if least <= 1 << bit < limit]
    return [*powers, limit]


def growth(sizes: BuildSizes, host: HostSpec, at: Sequence[int], *, embedding: bool = False) -> list[Need]:
    """One `Need` per context in `at`, for one request. `bytes` assumes an f16 cache; the placement may use q8_0."""
    found = []
    for context in at:
        workload = Workload(context=context)
        placed = place(sizes, host, workload, embedding=embedding)
        how = (placed.placement, placed.settings.kv_type_k) if placed else (None, "f16")
        found.append(Need(context, whole(sizes, host, settings_for(sizes, workload, embedding=embedding)), *how))
    return found


def whole(sizes: BuildSizes, host: HostSpec, base: Settings) -> int:
    """Bytes with every block on one device, else on a device group, when one is too small; on the host without
    devices.
    """
    placed = on_gpu(sizes, host, base) if host.devices else weigh(sizes, host, base, (), "cpu")
    if placed is None:
        used = next(iter(device_groups(host)), tuple(singles(host)[:1]))
        layers = len(sizes.layers) + 1
        placed = weigh(sizes, host, base._replace(devices=len(used), gpu_layers=layers), used, "gpus")
    on_devices = sum(part.total for part in placed.memory.devices)
    pooled = not host.devices or any(host.devices[i].unified for i in placed.devices)
    return on_devices + (placed.memory.host.total if pooled else 0)


def rooms(host: HostSpec) -> list[tuple[int, int]]:
    """(number of devices, bytes available): the largest single device, and all devices that can work together.

    0 devices stands for host memory.
    """
    if not host.devices:
        return [(0, host.ram_available_bytes)] if host.ram_available_bytes else []
    found = [(1, max(device.available_bytes for device in host.devices))]
    group = next(iter(device_groups(host)), ())
    return found + ([(len(group), sum(host.devices[i].available_bytes for i in group))] if group else [])
