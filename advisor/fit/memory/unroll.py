"""A build's blocks in order, as a trace: embedding, blocks where they lie, and the rows that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from advisor.fit.memory.blocks.block import Block
from advisor.fit.memory.blocks.order import block, lists, lists_early
from advisor.fit.memory.blocks.recurrent import states
from advisor.fit.memory.cache import Cells, runs
from advisor.fit.memory.ggml_types import cuda_bytes, host_bytes
from advisor.fit.memory.trace import FLOAT, Trace, Weight
from advisor.fit.memory.weights import Placement
from advisor.fit.spec import BuildSizes, LayerSizes, Settings

PLAIN = ("f32", "f16", "bf16")
INTEGER, INDEX = 4, 8  # bytes of a position, and of a row's place in the cache
TURNS = 64  # side of the smallest matrix that rotates keys and values before they are quantised


@dataclass(frozen=True, slots=True)
class Run:
    """What one trace is of."""

    sizes: BuildSizes
    size: Cells
    settings: Settings
    flash: bool
    where: Placement
    rows: int  # that are asked for

    @property
    def kv_types(self) -> dict[str, str]:
        return {"k": self.settings.kv_type_k, "v": self.settings.kv_type_v}


def home_of(where: Placement, il: int, host: int) -> int:
    """The device that holds a block."""
    return next((d for d in range(host) if where.bounds[d] <= il < where.bounds[d + 1]), host)


def unroll(run: Run, kept: Sequence[int]) -> Trace:
    """The trace of the blocks `kept`, in order."""
    t = Trace(run.settings.devices)
    inputs = given(run, t)
    shared: dict[str, int] = {}
    factors: dict[int, int] = {}  # one copy of the rotary factors on every device with blocks
    x = embedding(run, t, inputs)
    blocks = []
    for il in (il for il in kept if run.sizes.layers[il].matrices):
        home = home_of(run.where, il, t.host)
        if run.sizes.graph["factors"]:
            factors.setdefault(home, t.value(run.sizes.graph["factors"], home))
        blocks.append(traced(run, t, il, inputs | ({"factors": factors[home]} if factors else {}), shared))
    if kept and kept[-1] == last(run.sizes):
        blocks[-1].asked = run.rows
    for b, after in pairwise([b for b in blocks if lists(b)]):
        if lists_early(after):
            b.following = partial(states, after)
    for b in blocks:
        x = block(b, x)
    head(run, t, x)
    return t


def last(sizes: BuildSizes) -> int:
    """The last block that is loaded: those behind it only draft tokens."""
    return max((il for il, layer in enumerate(sizes.layers) if layer.matrices), default=0)


def given(run: Run, t: Trace) -> dict[str, int]:
    """Inputs of the graph that its caller fills on the host before each run, by name."""
    sizes, size, u, facts = run.sizes, run.size, run.size.ubatch, run.sizes.graph["facts"]
    made = {
        "tokens": t.given(INTEGER * u),
        "positions": t.given(INTEGER * u * facts["axes"]),
        "asked": t.given(INTEGER * run.rows),
    }
    if facts["scaled_query"]:
        made["scale"] = t.given(FLOAT * u)
    kinds = [layer for layer, _ in runs(sizes.layers)]
    widest = max(layer.v_elements for layer in kinds)
    for layer in kinds:
        if not layer.k_elements or f"mask {layer.window}" in made:
            continue
        made[f"k_rows {layer.window}"] = t.given(INDEX * u)
        made[f"v_rows {layer.window}"] = t.given(INDEX * u * (1 if run.flash else widest))
        made[f"mask {layer.window}"] = t.given((2 if run.flash else FLOAT) * u * size.of(layer.window))
        head = sizes.graph["blocks"][layer.block]["head"]
        for which, kind in run.kv_types.items():
            if kind not in PLAIN and head % TURNS == 0:
                side = head & -head if which == "k" else TURNS
                made[f"rotation_{which} {layer.window}"] = t.given(FLOAT * side * side)
    if any(layer.state_conv for layer in kinds):
        made["sequences"] = t.given(INTEGER * size.slots)
        made["ordered"] = t.given(INTEGER * size.slots)
        made["left"] = t.given(INTEGER * left(run))
    return made


def left(run: Run) -> int:
    """States of slots that share one cache and are no part of the batch for which the graph is planned."""
    return run.size.slots - 1 if run.settings.unified else 0


def embedding(run: Run, t: Trace, inputs: dict[str, int]) -> int:
    """Rows of the embedding, looked up on the host.

    The branch for batches that mix tokens and given rows stands beside it (`build_inp_embd`): nobody reads its result,
    so its room is never given back.
    """
    u, facts = run.size.ubatch, run.sizes.graph["facts"]
    size = FLOAT * u * run.sizes.hidden
    x, other = (t.op(size, inputs["tokens"], at=t.host) for _ in range(2))
    kept = t.op(size, t.given(size))
    t.op(0, other, t.given(INDEX * u), kept, writes=True)
    t.pinned.add(kept)
    if facts["scaled_embedding"]:
        x = t.op(size, x, t.given(FLOAT * u), inplace=True)
    if run.sizes.graph["extra"]:
        inputs["table"] = t.op(FLOAT * u * run.sizes.graph["extra"], inputs["tokens"], at=t.host)
        inputs["stream"] = x
    return x


def traced(run: Run, t: Trace, il: int, inputs: dict[str, int], shared: dict[str, int]) -> Block:
    """One block with its weights and its cache as values of the trace."""
    sizes, layer = run.sizes, run.sizes.layers[il]
    structure = sizes.graph["blocks"][layer.block]
    home = home_of(run.where, il, t.host)
    held = t.host if il < run.where.experts else home
    source = next((source for block, source in sizes.graph["borrows"] if block == il), il)
    of = sizes.layers[source]
    b = Block(
        trace=t,
        facts=sizes.graph["facts"],
        width=structure["width"],
        weights={
            name: Weight(number, held if i in layer.moved else home)
            for i, (name, number) in enumerate(zip(structure["width"], layer.matrices, strict=True))
        },
        size=run.size,
        tokens=run.size.ubatch,
        hidden=sizes.hidden,
        heads=structure["heads"],
        query=structure["query"],
        value=structure["value"],
        turned=structure["turned"],
        inputs=inputs,
        shared=shared,
        extra=sizes.graph["extra"],
        cache_home=home_of(run.where, source, t.host) if run.settings.kv_offload else t.host,
        k_elements=of.k_elements,
        v_elements=of.v_elements,
        window=of.window,
        flash=run.flash,
        borrowed=source != il,
        unpacked=unpacked(run, of),
        conv_rows=layer.state_conv,
        left=left(run),
    )
    cached(run, b, of)
    return b


def cached(run: Run, b: Block, layer: LayerSizes) -> None:
    """K and V as a device holds a copy of them, by head with quantised rows padded, and the states."""
    t, cells, slots = b.trace, run.size.of(layer.window), run.size.slots
    if layer.k_elements:
        head = run.sizes.graph["blocks"][layer.block]["head"]
        rows = cells * run.size.streams

        def held(elements: int, kind: str) -> int:
            return t.value(cuda_bytes((head, elements // head * rows), kind), b.cache_home)

        b.k = held(layer.k_elements, run.settings.kv_type_k)
        if layer.v_elements:
            b.v = held(layer.v_elements, run.settings.kv_type_v)
        else:
            b.again = t.value(host_bytes((layer.k_elements, rows), run.settings.kv_type_k), b.cache_home)
    if layer.state_conv:
        b.state_conv = t.value(FLOAT * slots * layer.state_conv, b.cache_home)
    if layer.state_ssm:
        b.state_ssm, b.state_again = (t.value(FLOAT * slots * layer.state_ssm, b.cache_home) for _ in range(2))


def unpacked(run: Run, layer: LayerSizes) -> int:
    """CUDA expands quantised K and V of all streams to f16 beside the result of the attention operation."""
    if not run.flash:
        return 0
    v = layer.v_elements
    if not v and not run.settings.kv_offload:  # a copy of the keys stands for the values of latent attention
        v = run.sizes.graph["facts"]["rank"]
    elements = {"k": layer.k_elements, "v": v}
    expanded = sum(elements[which] for which, kind in run.kv_types.items() if kind != "f16")
    return 2 * run.size.of(layer.window) * run.size.streams * expanded


def head(run: Run, t: Trace, x: int) -> None:
    """The last norm and the output layer."""
    at = t.host if run.where.output is None else run.where.output
    n, d = run.rows, run.sizes.hidden
    y = t.op(FLOAT * n * d, x, inplace=True)
    y = t.op(FLOAT * n * d, y, weight=Weight(FLOAT * d, at), rows=n, inplace=True)
    t.op(FLOAT * n * run.sizes.n_vocab, y, weight=Weight(run.sizes.output_device, at), rows=n)
