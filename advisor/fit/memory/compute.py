"""Compute buffers: the peak of the graph's live tensors (`sched_reserve` in `llama-context.cpp`, ggml-alloc)."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.fit.memory.cache import Cells, layer_bytes, runs
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
    def attends(self) -> bool:
        """Devices attend, unless the cache lies on the host, is not pulled over, and blocks have a state-space half."""
        return self.flash or self.settings.kv_offload or not self.sizes.graph["scan"]

    @property
    def speaks(self) -> bool:
        """Encoders hand out embeddings and have no logits."""
        return self.sizes.causal and self.sizes.n_vocab > 0

    def rows(self) -> int:
        """Rows of logits or embeddings that are asked for."""
        return self.size.ubatch if self.settings.outputs == "lib" else min(self.size.ubatch, self.size.slots)


def peak(load: Load, *, on_cpu: bool = False) -> int:
    """One device, or the CPU alone, that works on every block. The CPU looks the embedding up itself: one row more."""
    return masked(load, (1, 1) if on_cpu else ALONE, last=True, unpack=not on_cpu)


def masked(load: Load, rows: tuple[int, int], *, last: bool, unpack: bool = True, copies: int = 1) -> int:
    """Masks and the largest stage.

    Args:
        rows: rows of the residual stream that live beside every stage, and beside a scan.
        last: the device that computes the output layer.
        unpack: attention on quantised K and V expands them (CUDA), or reads them as they are (CPU).
        copies: of the inputs.
    """
    size, graph = load.size, load.sizes.graph
    u, d = size.ubatch, load.sizes.hidden
    more = rows[0] * d
    attends = load.attends or not unpack
    masks = load.masks(2 if load.flash else 4) if attends else 0
    stages = [
        u * (graph["peak"] + more),
        u * (graph["scan"] + rows[1] * d) + size.slots * graph["states"] if graph["scan"] else 0,
    ]
    if last and load.speaks:
        stages.append(load.rows() * load.sizes.n_vocab + u * (4 * d + graph["extra"] + more))
    if not load.flash and attends:
        stages.append(_scores(load) + u * more)
    total = copies * (masks + FLOAT * u * graph["tables"]) + FLOAT * max(stages)
    if load.flash and load.quantised and load.attending and unpack:
        stage = copies * masks + _unpacked(load) + FLOAT * u * (graph["attention"] + more)
        total = max(total, stage) + ROTATION
    return int(total)


COPIES = 4  # GGML_SCHED_MAX_COPIES: batches in flight when devices work one after the other
# Rows of the residual stream that a device holds more than one that works alone, beside a feed-forward and beside a
# scan: with several batches in flight each has its own inputs; without, later devices have no embedding to hold.
ALONE, FIRST, OTHERS, NEXT = (0, 0), (12, 20), (7, 24), (-2, -2)


def devices(load: Load, where: Placement) -> tuple[list[int], int]:
    """Compute buffers per device, and the host's beside them."""
    sizes, settings = load.sizes, load.settings
    count, d = settings.devices, sizes.hidden
    whole = where.bounds[0] == 0 and where.output is not None
    lone = FLOAT * load.rows() * (sizes.n_vocab + d)  # a device that holds nothing but the output layer
    holds = [where.bounds[i] < where.bounds[i + 1] or (i == 0 and not whole) for i in range(count)]
    if count > 1 and whole and settings.kv_offload and not where.experts:
        works = [
            masked(load, OTHERS if i else FIRST, last=where.output == i, copies=COPIES)
            + COPIES * borrowed(load, where, i)
            for i in range(count)
        ]
        beside = FLOAT * load.size.ubatch * (10 * d + COPIES * 9) + COPIES * load.masks(2 if load.flash else 4)
    else:
        works = [masked(load, NEXT, last=where.output == i) for i in range(count)]
        works[0] = max(peak(load), staged(load, where))
        works = [work + borrowed(load, where, i) for i, work in enumerate(works)]
        beside = host_beside(load)
    return [works[i] if holds[i] else lone * (where.output == i) for i in range(count)], beside


def borrowed(load: Load, where: Placement, device: int) -> int:
    """K and V that blocks of a device read from a block elsewhere: one copy for each of them, all at once."""
    first, last = where.bounds[device], where.bounds[device + 1]
    layers, offload = load.sizes.layers, load.settings.kv_offload
    return sum(
        layer_bytes(layers[source], load.size, load.settings)
        for block, source in load.sizes.graph["borrows"]
        if first <= block < last and not (offload and first <= source < last)
    )


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
    scores = 0 if load.attends else _scores(load)
    rows = 4 * load.sizes.hidden + 9
    return load.masks(2 if load.flash else 4) + FLOAT * (load.size.ubatch * rows + scores)


def staged(load: Load, where: Placement) -> int:
    """The first device also works on the host's blocks: it holds one matrix, or one block's K and V, at a time."""
    sizes, graph = load.sizes, load.sizes.graph
    u, start = load.size.ubatch, where.bounds[0]
    host, kept = runs(sizes.layers[:start]), runs(sizes.layers[: where.experts])
    cached = _staged_cache(load, start)
    expert_in = max((x.largest_expert_host for x, _ in kept), default=0)
    expert_out = max((x.expert_down_host for x, _ in kept), default=0)
    matrix = max((x.largest_host for x, _ in host), default=0)
    out = max((x.down_host for x, _ in host), default=0)
    if graph["plain"] and matrix < out:
        out += matrix  # the room of the smaller one is of no use to the larger
    # Where a cache was staged before, its room is too small for the experts and partly lost to them.
    lost = 3 * cached // 4 if start else 0
    beside = [
        (matrix, graph["peak"] + 2 * sizes.hidden),  # copies of several sizes leave gaps
        (out, graph["out"]),
        (expert_in + lost if expert_in else 0, graph["expert_in"]),
        (expert_out + lost if expert_out else 0, graph["expert_out"]),
    ]
    if expert_out and not start and (sizes.shared_device or graph["delta"]):
        beside.append((expert_in + expert_out, graph["peak"]))
    if cached and load.flash:
        # Rotary factors stay where they were first copied to: the next K no longer fits into the room of the last.
        kept_apart = cached + (cached // 2 if start and sizes.shared_device else 0)
        beside.append((kept_apart, 3 * sizes.hidden + 2 * graph["query"]))
        if load.quantised:
            beside.append((kept_apart + _unpacked(load), graph["attention"]))
    elif cached and load.attends:
        beside.append((cached + FLOAT * _scores(load), 0))
    most = max((copied + FLOAT * u * floats for copied, floats in beside if copied), default=0)
    return int(load.masks(2 if load.flash else 4) + most)


def _staged_cache(load: Load, start: int) -> int:
    """K and V of one block whose cache lies on the host while a device attends."""
    far = load.sizes.layers[:start] if load.settings.kv_offload else load.sizes.layers
    return max((layer_bytes(x, load.size, load.settings) for x, _ in runs(far) if x.k_elements), default=0)
