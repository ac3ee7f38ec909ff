"""Compute buffers: peak of the graph's live tensors (`sched_reserve` in `llama-context.cpp`, ggml-alloc)."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from advisor.fit.build import BuildSizes, LayerSizes
from advisor.fit.engines.llama_cpp.graph.buffers import COPIES, compute_buffers
from advisor.fit.engines.llama_cpp.graph.run import Run
from advisor.fit.engines.llama_cpp.graph.unroll import Incomplete
from advisor.fit.engines.llama_cpp.kv_cache import Cells, layer_bytes
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.weights import Placement
from advisor.fit.layer_groups import kinds

FLOAT = 4
ROTATION = 80 << 10  # matrices that rotate K and V before they are quantised
PLAIN = ("f32", "f16", "bf16")


class Load(NamedTuple):
    """Graph dimensions: distinct attention blocks, and the settings as the engine resolves them."""

    sizes: BuildSizes
    size: Cells
    settings: Settings
    flash: bool
    attending: tuple[LayerSizes, ...]

    @property
    def quantised(self) -> bool:
        return self.settings.kv_type_k not in PLAIN or self.settings.kv_type_v not in PLAIN

    def masks(self, word: int) -> int:
        """Bytes of attention masks, `word` bytes per entry, one per cache type; without a cache the batch masks
        itself.
        """
        if not self.sizes.causal and not self.attending:
            return word * self.size.ubatch * self.size.ubatch
        windows = {layer.window for layer in self.attending}
        return word * self.size.ubatch * sum(self.size.of(w) for w in windows)

    @property
    def attends(self) -> bool:
        """Whether devices run attention: not when the KV cache stays on the host and blocks contain SSMs.

        With flash attention they always do.
        """
        return self.flash or self.settings.kv_offload or not self.sizes.graph["scan"]

    @property
    def speaks(self) -> bool:
        """Whether the graph produces logits; encoders output embeddings."""
        return self.sizes.causal and self.sizes.n_vocab > 0

    def rows(self) -> int:
        """Rows of logits or embeddings requested from the graph."""
        whole = self.settings.outputs == "lib" or self.settings.embedding
        return self.size.ubatch if whole else min(self.size.ubatch, self.size.slots)


def peak(load: Load, *, on_cpu: bool = False) -> int:
    """Bytes of the compute buffer when one device, or the CPU alone, runs every block: masks plus the largest stage.

    The CPU does the embedding lookup itself, which adds a row of the residual stream per token, and reads quantised K
    and V directly; CUDA dequantises them for attention.
    """
    size, graph = load.size, load.sizes.graph
    u, d = size.ubatch, load.sizes.hidden
    more = d if on_cpu else 0
    attends = load.attends or on_cpu
    masks = load.masks(2 if load.flash else 4) if attends else 0
    stages = [
        u * (graph["peak"] + more),
        u * (graph["scan"] + more) + size.slots * graph["states"] if graph["scan"] else 0,
    ]
    if load.speaks:
        stages.append(load.rows() * load.sizes.n_vocab + u * (4 * d + graph["extra"] + more))
    if not load.flash and attends:
        stages.append(_scores(load) + u * more)
    total = masks + FLOAT * u * graph["tables"] + FLOAT * max(stages)
    if load.flash and load.quantised and load.attending and not on_cpu:
        stage = masks + _unpacked(load) + FLOAT * u * (graph["attention"] + more)
        total = max(total, stage) + ROTATION
    return int(total)


def buffers(load: Load, where: Placement, rough: bool) -> tuple[list[int], int]:
    """Bytes of compute buffer per device, and of the host: from the traced graph, else an upper bound."""
    sizes, settings = load.sizes, load.settings
    if sizes.graph["traced"]:
        with suppress(Incomplete):
            *works, beside = compute_buffers(Run(sizes, load.size, settings, load.flash, where, load.rows(), rough))
            return works, beside
    if not settings.devices:
        return [], peak(load, on_cpu=True)
    return [bound(load, where)] * settings.devices, host_beside(load)


def bound(load: Load, where: Placement) -> int:
    """Upper bound for graphs that cannot be traced: the stages, the largest copies, and the inputs of every batch."""
    blocks, settings = kinds(load.sizes.layers), load.settings
    matrix = max((max(x.matrices, default=0) for x, _ in blocks.between(0, where.experts)), default=0)
    far = blocks.between(0, where.bounds[0] if settings.kv_offload else len(load.sizes.layers))
    cache = max((layer_bytes(x, load.size, settings) for x, _ in far), default=0)
    inputs = load.masks(2 if load.flash else 4) + 3 * FLOAT * load.size.ubatch * load.sizes.hidden
    return peak(load) + matrix + cache + (COPIES * inputs if settings.devices > 1 else 0)


def _scores(load: Load) -> int:
    """Floats of attention scores without flash attention: the scores of all heads are live at once."""
    sizes, size, query = load.sizes, load.size, int(load.sizes.graph["query"])
    if not load.attending:
        return size.ubatch * (sizes.heads * size.ubatch + 5 * sizes.hidden)
    cells = max(size.of(x.window) for x in load.attending)
    k = max(x.k_elements for x in load.attending)
    return size.ubatch * (sizes.heads * cells + 4 * sizes.hidden + query + 2 * k + int(sizes.graph["extra"]))


def _unpacked(load: Load) -> int:
    """Bytes of one block's quantised K and V, which CUDA dequantises to f16 for all streams inside the attention op."""
    size = load.size
    return max(size.of(x.window) * size.streams * 2 * (x.k_elements + x.v_elements) for x in load.attending)


def host_beside(load: Load) -> int:
    """Bytes of the host's compute buffer when devices hold the blocks: masks and four rows of the residual stream."""
    scores = 0 if load.attends else _scores(load)
    rows = 4 * load.sizes.hidden + 9
    return load.masks(2 if load.flash else 4) + FLOAT * (load.size.ubatch * rows + scores)
