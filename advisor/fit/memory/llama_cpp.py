"""llama.cpp: bytes per device and on the host for one build and one set of settings."""

from __future__ import annotations

from advisor.fit.memory import compute, weights
from advisor.fit.memory.cache import cells, layer_bytes, runs, widest_v
from advisor.fit.memory.layouts import FLASH_HEAD_SIZES
from advisor.fit.spec import BuildSizes, DeviceMemory, Memory, Settings

ENGINE_BUILD = "b11434"  # compute buffers are a property of the build: keep it beside every prediction
CONFIRMED_BUILDS = (ENGINE_BUILD, "b11549")  # whose own plans were found to be the same, byte for byte


def estimate(sizes: BuildSizes, settings: Settings, like: Memory | None = None) -> Memory:
    """What llama-server's buffers take, per device and on the host.

    The host's `compute` holds the output rows as well. Memory outside the engine's buffers is not part of it.
    `like`: take the compute buffers from there; for a search over the number of blocks, on which they hardly depend.
    """
    size = cells(settings, sizes.causal)
    where = weights.place(sizes, settings)
    layers, blocks = sizes.layers, len(sizes.layers)
    flash = _flash(sizes, settings)
    wide = 0 if flash else widest_v(sizes)
    attending = tuple(x for x, _ in runs(layers) if x.k_elements)
    load = compute.Load(sizes, size, settings, flash, attending)

    def kv(first: int, last: int, on_device: bool) -> int:
        return sum(n * layer_bytes(x, size, settings, wide, on_device) for x, n in runs(layers[first:last]))

    start = where.bounds[0]
    host_kv = kv(0, start if settings.kv_offload else blocks, False)
    host_weights = weights.host_bytes(sizes, where)
    output_rows = 4 * sizes.n_vocab * settings.slots
    if not settings.devices:
        work = compute.peak(load, on_cpu=True)
        return Memory((), DeviceMemory(host_weights, host_kv, work + output_rows), flash)
    if like:
        works, beside = [part.compute for part in like.devices], like.host.compute - output_rows
    else:
        works, beside = compute.devices(load, where)
    devices = tuple(
        DeviceMemory(
            weights.device_bytes(sizes, where, d),
            kv(where.bounds[d], where.bounds[d + 1], True) if settings.kv_offload else 0,
            works[d],
        )
        for d in range(settings.devices)
    )
    return Memory(devices, DeviceMemory(host_weights, host_kv, beside + output_rows), flash)


def _flash(sizes: BuildSizes, settings: Settings) -> bool:
    """What "auto" comes to: off where a device has no kernel, or would attend apart from a block's state-space half."""
    if settings.flash_attention is None and settings.devices:
        apart = not settings.kv_offload and sizes.graph["apart"]
        return not apart and sizes.head_dim in FLASH_HEAD_SIZES
    return settings.flash_attention is not False
