"""KV cache and recurrent state in bytes (`src/llama-kv-cache.cpp`, `-iswa.cpp`, `src/llama-memory-recurrent.cpp`)."""

from __future__ import annotations

from typing import NamedTuple

from advisor.fit.build import BuildSizes, LayerSizes
from advisor.fit.engines.llama_cpp.ggml_types import cuda_bytes, host_bytes, pad
from advisor.fit.engines.llama_cpp.settings import Settings

CELL_STEP = 256


class Cells(NamedTuple):
    """KV cache cells per stream, and the batch sizes of the graph."""

    full: int
    streams: int
    ubatch: int
    slots: int
    unified: bool
    swa_full: bool

    @property
    def tokens(self) -> int:
        """Rows of the largest batch: the same number for each slot (`llama_context::graph_reserve`)."""
        return pad(self.ubatch, self.slots)

    def of(self, window: int | None) -> int:
        """Cells of a layer with this window: room for the window of each sequence plus one micro-batch."""
        if window is None or self.swa_full:
            return self.full
        return min(self.full, pad(window * (self.slots if self.unified else 1) + self.ubatch, CELL_STEP))


def cells(settings: Settings, causal: bool) -> Cells:
    """Cells after the rounding that `llama_context` applies to the settings."""
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
    """Bytes of cache and recurrent state of one block.

    `widest_v` is non-zero without flash attention: V is then stored transposed, at the width of the widest block. CUDA
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
