"""Memory of llama.cpp for one build and one set of settings: bytes per device and on the host."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from advisor.fit.build import BuildSizes, LayerSizes
from advisor.fit.engines.llama_cpp import compute, weights
from advisor.fit.engines.llama_cpp.graph.buffers import strays
from advisor.fit.engines.llama_cpp.graph.run import PLAIN, Run
from advisor.fit.engines.llama_cpp.graph.trace import OFFLOADED_ROWS
from advisor.fit.engines.llama_cpp.kv_cache import Cells, cells, layer_bytes, widest_v
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.layer_groups import distinct, kinds
from advisor.fit.memo import remembered
from advisor.fit.spec import DeviceMemory, Memory

ENGINE_BUILD = "b11434"  # compute buffers depend on the build: store it with every prediction
COMPUTED_FOR = f"llama.cpp {ENGINE_BUILD}"  # label shown with every prediction
# Plans are equal under both, except for Gemma 4: the later build looks up its per-layer rows first.
CONFIRMED_BUILDS = (ENGINE_BUILD, "b11549")


def estimate_memory(
    sizes: BuildSizes, settings: Settings, like: Memory | None = None, *, rough: bool = False
) -> Memory:
    """Bytes of llama-server's buffers, per device and on the host.

    The host's `compute` includes the output rows. Memory outside the engine's buffers is not included.

    `like`: take the compute buffers and flash attention from this result; for a search over the number of offloaded
    blocks, on which they hardly depend.

    `rough`: treat blocks of one kind as equal, which takes a third of the time and is off by a percent in one case of
    fifty.
    """
    if like:
        return _estimate(sizes, settings, like)
    return _remembered(sizes, settings, rough)


@remembered(256)
def _remembered(sizes: BuildSizes, settings: Settings, rough: bool) -> Memory:
    """Memoised: nothing here depends on the hardware, and one build is sized under equal settings on many cards."""
    return _estimate(sizes, settings, rough=rough)


def _estimate(sizes: BuildSizes, settings: Settings, like: Memory | None = None, *, rough: bool = False) -> Memory:
    size, frame = cells(settings, sizes.causal), framed(sizes, settings)
    where = frame.where
    flash = like.flash_attention if like and like.host.compute else _flash(sizes, size, settings, where)
    wide = 0 if flash else widest_v(sizes)

    def kv(held: Share, on_device: bool) -> int:
        return sum(n * layer_bytes(x, size, settings, wide, on_device) for x, n in held)

    output_rows = 4 * sizes.n_vocab * settings.slots
    if like:
        works, beside = [part.compute for part in like.devices], like.host.compute - output_rows
    else:
        attending = tuple(x for x in distinct(sizes.layers) if x.k_elements)
        works, beside = compute.buffers(compute.Load(sizes, size, settings, flash, attending), where, rough)
    devices = tuple(
        DeviceMemory(weights, kv(held, True), work)
        for weights, held, work in zip(frame.weights, frame.caches, works, strict=True)
    )
    host = DeviceMemory(frame.host_weights, kv(frame.host_caches, False), beside + output_rows)
    return Memory(devices, host, flash)


Share = tuple[tuple[LayerSizes, int], ...]  # distinct blocks, each with its count


@dataclass(frozen=True, slots=True)
class Frame:
    """The context-independent part: block placement, weight bytes, and which caches lie where."""

    where: weights.Placement
    weights: tuple[int, ...]  # per device
    caches: tuple[Share, ...]
    host_weights: int
    host_caches: Share


def framed(sizes: BuildSizes, settings: Settings) -> Frame:
    placed = (settings.devices, settings.gpu_layers, settings.experts_on_cpu, settings.tensor_split)
    return _framed(sizes, settings.kv_offload, placed)


@remembered(256)  # a kilobyte each
def _framed(sizes: BuildSizes, kv_offload: bool, placed: tuple[int, int, int, tuple[float, ...] | None]) -> Frame:
    devices, gpu_layers, experts_on_cpu, split = placed
    settings = Settings(
        devices=devices,
        gpu_layers=gpu_layers,
        experts_on_cpu=experts_on_cpu,
        tensor_split=split,
        kv_offload=kv_offload,
    )
    where, every, far = weights.place_weights(sizes, settings), kinds(sizes.layers), len(sizes.layers)
    on_devices = [tuple(every.between(*ends)) for ends in pairwise(where.bounds)] if kv_offload else []
    return Frame(
        where,
        tuple(weights.device_weight_bytes(sizes, where, d) for d in range(devices)),
        tuple(on_devices) or ((),) * devices,
        weights.host_weight_bytes(sizes, where),
        tuple(every.between(0, where.bounds[0] if kv_offload else far)),
    )


def _flash(sizes: BuildSizes, size: Cells, settings: Settings, where: weights.Placement) -> bool:
    """Resolves flash attention "auto" (`llama_init_from_model`, `llama_context::resolve_fused_ops`).

    On when V is quantised. Off when a device has no kernel, or when attention would be scheduled apart from its block,
    which can only happen where ops on caches surround it or batches are large enough to copy weights to the device.
    """
    if settings.flash_attention is not None or not settings.devices:
        return settings.flash_attention is not False
    if settings.kv_type_v not in PLAIN:
        return True
    if not sizes.graph["traced"]:
        return bool(sizes.graph["flash"])
    torn = sizes.graph["apart"] or not sizes.graph["flash"] or size.slots >= OFFLOADED_ROWS
    return not (torn and strays(Run(sizes, size, settings, True, where, size.slots)))
