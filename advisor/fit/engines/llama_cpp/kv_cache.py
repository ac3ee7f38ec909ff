"""KV cache and recurrent state in bytes (`src/llama-kv-cache.cpp`, `-iswa.cpp`, `src/llama-memory-recurrent.cpp`)."""

from __future__ import annotations

from typing import NamedTuple

from advisor.fit.build import BuildSizes, LayerSizes
from advisor.fit.engines.llama_cpp.ggml_types import cuda_bytes, host_bytes, pad
from advisor.fit.engines.llama_cpp.settings import Settings

CELL_STEP = 256


class Cells(NamedTuple):
    """How many tokens the cache of one stream holds, and how large the batches of the graph are."""

    full: int
    streams: int
    ubatch: int
    slots: int
    unified: bool
    swa_full: bool

    @property
    def tokens(self) -> int:
        """Rows of the largest batch: as many for each slot (`llama_context::graph_reserve`)."""
        return pad(self.ubatch, self.slots)

    def of(self, window: int | None) -> int:
        """Cells of a layer with this window: it must hold the window of each sequence and one micro-batch."""
        if window is None or self.swa_full:
            return self.full
        return min(self.full, pad(window * (self.slots if self.unified else 1) + self.ubatch, CELL_STEP))


def cells(settings: Settings, causal: bool) -> Cells:
    """As `llama_context` rounds what was asked for."""
    total = pad(settings.context, CELL_STEP)
    batch = min(settings.context, settings.batch) if causal else settings.batch
    return Cells(
        full=total if settings.unified else pad(total // settings.slots, CELL_STEP),
        streams=1 if settings.unified else settings.slots,
        ubatch=min(batch, settings.ubatch),
        slots=settings.slots,
        unified=settings.unified,
        swa_full=settings.swa_full,
    )


def layer_bytes(layer: LayerSizes, size: Cells, settings: Settings, widest_v: int = 0, on_device: bool = False) -> int:
    """Cache and state of one block.

    `widest_v` is given without flash attention: V is then stored transposed, as wide as the widest block's. CUDA
    buffers pad quantised rows as they do for weights.
    """
    total = 4 * size.slots * (layer.state_conv + layer.state_ssm)
    if not layer.k_elements:
        return total
    held = cuda_bytes if on_device else host_bytes
    cells = size.of(layer.window)
    total += held((layer.k_elements, cells, size.streams), settings.kv_type_k)
    if layer.v_elements:
        v = max(layer.v_elements, widest_v)
        total += held((v, cells, size.streams), settings.kv_type_v)
    return total


def widest_v(sizes: BuildSizes) -> int:
    return max(layer.v_elements for layer in sizes.layers)
