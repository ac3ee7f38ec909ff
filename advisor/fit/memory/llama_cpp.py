"""llama.cpp: bytes per device and on the host for one build and one set of settings."""

from __future__ import annotations

from advisor.fit.memory import compute, weights
from advisor.fit.memory.cache import cells, layer_bytes, runs, widest_v
from advisor.fit.spec import BuildSizes, DeviceMemory, Memory, Settings

ENGINE_BUILD = "b11434"  # compute buffers are a property of the build: keep it beside every prediction


def estimate(sizes: BuildSizes, settings: Settings) -> Memory:
    """What llama-server's buffers take, per device and on the host.

    The host's `compute` holds the output rows as well. Memory outside the engine's buffers is not part of it.
    """
    size = cells(settings, sizes.causal)
    flash = settings.flash_attention is not False
    wide = 0 if flash else widest_v(sizes)
    where = weights.place(sizes, settings)
    layers, blocks = sizes.layers, len(sizes.layers)
    output_rows = 4 * sizes.n_vocab * settings.slots

    def kv(some: tuple[int, int]) -> int:
        return sum(n * layer_bytes(x, size, settings, wide) for x, n in runs(layers[some[0] : some[1]]))

    start = where.bounds[0] if settings.devices else blocks
    host_kv = kv((0, start)) if settings.kv_offload else kv((0, blocks))
    moved = max(start, min(where.experts_host, blocks))
    host_weights = weights.host_bytes(sizes, layers[:start], layers[start:moved], where.output is None)
    if not settings.devices:
        return Memory(
            (),
            DeviceMemory(host_weights, host_kv, compute.host_alone(sizes, size, settings, flash) + output_rows),
            flash,
        )
    work = compute.device(sizes, size, settings, flash)
    work += compute.staged(sizes, size, settings, start, where.experts_host)
    devices = []
    for d in range(settings.devices):
        first, last = where.bounds[d], where.bounds[d + 1]
        cut = max(first, min(last, where.experts_host))
        devices.append(
            DeviceMemory(
                weights.device_bytes(sizes, layers[cut:last], layers[first:cut], where.output == d),
                kv((first, last)) if settings.kv_offload else 0,
                work,
            )
        )
    host = DeviceMemory(host_weights, host_kv, compute.host_beside(sizes, size) + output_rows)
    return Memory(tuple(devices), host, flash)
