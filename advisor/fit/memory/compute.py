"""Compute buffers: the peak of the graph's live tensors (`sched_reserve` in `llama-context.cpp`, ggml-alloc)."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.fit.memory.cache import Cells
from advisor.fit.memory.ggml_types import row_bytes
from advisor.fit.memory.weights import Placement
from advisor.fit.spec import BuildSizes, LayerSizes, Settings

FLOAT = 4
ROTATION = 80 << 10  # matrices that rotate K and V before they are quantised
PLAIN = ("f32", "f16", "bf16")


@dataclass(frozen=True, slots=True)
class Load:
    """What the graph works on: distinct attending blocks and the settings as the engine resolved them."""

    sizes: BuildSizes
    size: Cells
    settings: Settings
    flash: bool
    attending: tuple[LayerSizes, ...]

    @property
    def quantised(self) -> bool:
        return self.settings.kv_type_k not in PLAIN or self.settings.kv_type_v not in PLAIN

    def masks(self, word: int) -> int:
        """Attention masks, one per kind of cache; without a cache the batch attends to itself."""
        if not self.sizes.causal and not self.attending:
            return word * self.size.ubatch * self.size.ubatch
        windows = {layer.window for layer in self.attending}
        return word * self.size.ubatch * sum(self.size.of(w) for w in windows)

    @property
    def speaks(self) -> bool:
        """Encoders hand out embeddings and have no logits."""
        return self.sizes.causal and self.sizes.n_vocab > 0

    def rows(self) -> int:
        """Rows of logits or embeddings that are asked for."""
        return self.size.ubatch if self.settings.outputs == "lib" else min(self.size.ubatch, self.size.slots)


def peak(load: Load, *, on_cpu: bool = False) -> int:
    """One device, or the CPU alone, that works on every block. The CPU looks the embedding up itself: one row more."""
    return masked(load, load.sizes.hidden if on_cpu else 0, last=True, unpack=not on_cpu)


def masked(load: Load, more: int, *, last: bool, unpack: bool = True, copies: int = 1) -> int:
    """Masks and the largest stage.

    Args:
        more: floats per token that live beside every stage.
        last: the device that computes the output layer.
        unpack: attention on quantised K and V expands them (CUDA), or reads them as they are (CPU).
        copies: of the inputs.
    """
    size, graph = load.size, load.sizes.graph
    u, d = size.ubatch, load.sizes.hidden
    masks = load.masks(2 if load.flash else 4)
    stages = [
        u * (graph["peak"] + more),
        u * (graph["scan"] + more) + size.slots * graph["states"] if graph["scan"] else 0,
    ]
    if last and load.speaks:
        stages.append(load.rows() * load.sizes.n_vocab + u * (4 * d + graph["extra"] + more))
    if not load.flash:
        stages.append(_scores(load) + u * more)
    total = copies * (masks + FLOAT * u * graph["tables"]) + FLOAT * max(stages)
    if load.flash and load.quantised and load.attending and unpack:
        stage = copies * masks + _unpacked(load) + FLOAT * u * (graph["attention"] + more)
        total = max(total, stage) + ROTATION
    return int(total)


COPIES = 4  # GGML_SCHED_MAX_COPIES: batches in flight when devices work one after the other


def devices(load: Load, where: Placement) -> tuple[list[int], int]:
    """Compute buffers per device, and the host's beside them."""
    sizes, settings = load.sizes, load.settings
    count, d = settings.devices, sizes.hidden
    whole = where.bounds[0] == 0 and where.output is not None
    if count > 1 and whole and settings.kv_offload and not where.experts:
        # Inputs are held once per batch in flight: masks, the embedding, and what the device before hands over.
        first, others = 12 * d, 7 * d
        works = [masked(load, others if i else first, last=where.output == i, copies=COPIES) for i in range(count)]
        tables = FLOAT * load.size.ubatch * (10 * d + COPIES * 9)
        return works, COPIES * load.masks(2 if load.flash else 4) + tables
    work = peak(load) + staged(load, where.bounds[0], where.experts)
    return [work] * count, host_beside(load)


def _scores(load: Load) -> int:
    """Without flash attention the scores of all heads live at once, as floats."""
    sizes, size, query = load.sizes, load.size, int(load.sizes.graph["query"])
    if not load.attending:
        return size.ubatch * (sizes.heads * size.ubatch + 5 * sizes.hidden)
    cells = max(size.of(x.window) for x in load.attending)
    k = max(x.k_elements for x in load.attending)
    return size.ubatch * (sizes.heads * cells + 4 * sizes.hidden + query + 2 * k + int(sizes.graph["extra"]))


def _unpacked(load: Load) -> int:
    """CUDA expands one block's quantised K and V of all streams to f16 inside the attention operation."""
    size = load.size
    return max(size.of(x.window) * size.streams * 2 * (x.k_elements + x.v_elements) for x in load.attending)


def host_beside(load: Load) -> int:
    """The host's part of the graph when devices hold the blocks: masks, and four rows of the residual stream."""
    return load.masks(2 if load.flash else 4) + FLOAT * load.size.ubatch * (4 * load.sizes.hidden + 9)


def staged(load: Load, start: int, experts_host: int) -> int:
    """Largest thing of a host block that is copied to a device to be worked on there."""
    sizes, size, settings = load.sizes, load.size, load.settings
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
