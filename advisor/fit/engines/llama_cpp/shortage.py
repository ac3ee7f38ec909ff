"""The binding memory constraint of a build that does not fit, and smaller settings to try."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from advisor.fit.allowances import device_overhead
from advisor.fit.build import BuildSizes
from advisor.fit.engines.base import SettingsStep, Shortage
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.placement import grid, kv_types, on_grid, scores_all, settings_for
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.tensor_split import device_groups
from advisor.fit.spec import BuildSpec, HostSpec, Workload


def shortage(sizes: BuildSizes, host: HostSpec, workload: Workload, *, embedding: bool) -> Shortage:
    """Bytes needed and available at the binding constraint, with its reason code."""
    base = settings_for(sizes, workload, embedding=embedding)
    if not host.devices:
        memory = estimate_memory(sizes, base)
        return Shortage(memory.host.total, host.ram_available_bytes or 0, "host_memory")
    whole = on_one_device(sizes, base)
    memory = estimate_memory(sizes, whole, on_grid(sizes, whole) if scores_all(sizes) else None)
    sets = device_groups(host) or [(max(range(len(host.devices)), key=lambda i: host.devices[i].available_bytes),)]
    rooms = [(sum(host.devices[i].available_bytes for i in used), used) for used in sets]
    available, used = max(rooms)
    overhead = sum(device_overhead(host.devices[i]) for i in used)
    needed = memory.devices[0].total + overhead
    if needed <= available and host.ram_available_bytes is not None:
        return Shortage(memory.host.total, host.ram_available_bytes, "host_memory")
    return Shortage(needed, available, "gpu_memory")


def whole_on_one(sizes: BuildSizes, workload: Workload, *, embedding: bool) -> tuple[int, Workload]:
    """Bytes of the whole build on one device, and the workload to use when searching for such a device."""
    if scores_all(sizes):  # a device that holds the longer context of the grid holds this one
        workload = replace(workload, context=grid(workload.context))
    base = settings_for(sizes, workload, embedding=embedding)
    return estimate_memory(sizes, on_one_device(sizes, base)).devices[0].total, workload


def on_one_device(sizes: BuildSizes, base: Settings) -> Settings:
    return base._replace(devices=1, gpu_layers=len(sizes.layers) + 1)


def smaller_settings(build: BuildSpec, settings: Settings, contexts: Sequence[int]) -> Iterator[SettingsStep]:
    """Single changes that need less memory, gentlest first."""
    if settings.kv_type_k == "f16" and build.sizes and "q8_0" in kv_types(build.sizes):
        yield SettingsStep("kv_type", "f16", "q8_0", build, settings._replace(kv_type_k="q8_0", kv_type_v="q8_0"))
    for context in contexts:
        if context * settings.slots < settings.context:
            total = context * settings.slots
            yield SettingsStep("context", settings.context, total, build, settings._replace(context=total))
