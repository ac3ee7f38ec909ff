"""llama.cpp: bytes per device and on the host for one build and one set of settings."""

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

ENGINE_BUILD = "b11434"  # compute buffers are a property of the build: keep it beside every prediction
COMPUTED_FOR = f"llama.cpp {ENGINE_BUILD}"  # as every prediction says it
# Plans found equal, but for Gemma 4: the later build looks its per-layer rows up first.
CONFIRMED_BUILDS = (ENGINE_BUILD, "b11549")


def estimate_memory(
    sizes: BuildSizes, settings: Settings, like: Memory | None = None, *, rough: bool = False
) -> Memory:
    """What llama-server's buffers take, per device and on the host.

    The host's `compute` holds the output rows as well. Memory outside the engine's buffers is not part of it.
    `like`: take the compute buffers and flash attention from there; for a search over the number of blocks, on which
    they hardly depend.
    `rough`: count blocks of one kind alike, which takes a third of the time and is off by a percent in one of fifty.
    """
    if like:
        return _estimate(sizes, settings, like)
    return _remembered(sizes, settings, rough)


@remembered(256)
def _remembered(sizes: BuildSizes, settings: Settings, rough: bool) -> Memory:
    """No sum depends on the hardware: one build is weighed with the same settings for card after card."""
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


Share = tuple[tuple[LayerSizes, int], ...]  # distinct blocks, and how many of each


@dataclass(frozen=True, slots=True)
class Frame:
    """What does not depend on the context: which device holds which block, the bytes of weights, whose caches."""

    where: weights.Placement
    weights: tuple[int, ...]  # by device
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
    """What "auto" comes to (`llama_init_from_model`, `llama_context::resolve_fused_ops`).

    On where V is quantised; off where a device has no kernel or attention would run apart from its block, which can
    only be where operations on caches stand on both sides of it, or batches are large enough to pull weights over.
    """
    if settings.flash_attention is not None or not settings.devices:
        return settings.flash_attention is not False
    if settings.kv_type_v not in PLAIN:
        return True
    if not sizes.graph["traced"]:
        return bool(sizes.graph["flash"])
    torn = sizes.graph["apart"] or not sizes.graph["flash"] or size.slots >= OFFLOADED_ROWS
    return not (torn and strays(Run(sizes, size, settings, True, where, size.slots)))
