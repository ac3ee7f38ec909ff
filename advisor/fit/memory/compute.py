"""Compute buffers: the peak of the graph's live tensors (`sched_reserve` in `llama-context.cpp`, ggml-alloc)."""

from __future__ import annotations

from advisor.fit.memory.cache import Cells
from advisor.fit.memory.ggml_types import row_bytes
from advisor.fit.spec import BuildSizes, Settings

FLOAT = 4
TABLES = 7  # positions, cache indices, output rows: 4-byte words per token beside the masks


def mask_bytes(sizes: BuildSizes, size: Cells, word: int) -> int:
    """Attention masks, one per kind of cache."""
    windows = {layer.window for layer in sizes.layers if layer.k_elements}
    return word * size.ubatch * sum(size.of(w) for w in windows)


def device(sizes: BuildSizes, size: Cells, settings: Settings, flash: bool) -> int:
    """One device that holds every block."""
    u, d = size.ubatch, sizes.hidden
    peak = int(sizes.graph["peak"])
    if settings.outputs == "lib":
        peak = max(peak, int(sizes.graph["logits"]))
    total = mask_bytes(sizes, size, 2) + FLOAT * u * (peak + TABLES)
    attending = [layer for layer in sizes.layers if layer.k_elements]
    if not attending:
        return total
    k = max(layer.k_elements for layer in attending)
    heads = sizes.heads * sizes.head_dim
    if not flash:
        stage = FLOAT * u * (sizes.heads * size.full + 4 * d + heads + 2 * k + 5) + mask_bytes(sizes, size, 4)
        return max(total, stage)
    if settings.kv_type_k not in ("f16", "bf16", "f32"):
        wide = max(size.of(x.window) * size.streams * 2 * (x.k_elements + x.v_elements) for x in attending)
        return max(total, mask_bytes(sizes, size, 2) + wide + FLOAT * u * (2 * heads + 3 * d))
    return total


def host_beside(sizes: BuildSizes, size: Cells) -> int:
    """The host's part of the graph when devices hold the blocks."""
    return mask_bytes(sizes, size, 2) + FLOAT * size.ubatch * (4 * sizes.hidden + 9)


def host_alone(sizes: BuildSizes, size: Cells, settings: Settings, flash: bool) -> int:
    """A run on the CPU only."""
    return device(sizes, size, settings, flash) + FLOAT * size.ubatch * sizes.hidden


def staged(sizes: BuildSizes, size: Cells, settings: Settings, start: int, experts_host: int) -> int:
    """Largest thing of a host block that is copied to a device to be worked on there."""
    whole = [max(x.largest_host, x.largest_expert_host) for x in sizes.layers[:start]]
    experts = [x.largest_expert_host for x in sizes.layers[start:experts_host]]
    kv = [
        size.of(x.window)
        * size.streams
        * (row_bytes(x.k_elements, settings.kv_type_k) + row_bytes(x.v_elements, settings.kv_type_v))
        for x in sizes.layers[:start]
        if x.k_elements
    ]
    return max(whole + experts + kv, default=0)
