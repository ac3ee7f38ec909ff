"""A build's blocks in order, as a trace: embedding, blocks where they lie, and the rows that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from advisor.fit.kinds import Kinds
from advisor.fit.memory.blocks.block import Block
from advisor.fit.memory.blocks.order import block, lists, lists_early
from advisor.fit.memory.blocks.recurrent import states
from advisor.fit.memory.cache import Cells
from advisor.fit.memory.ggml_types import cuda_bytes, host_bytes
from advisor.fit.memory.trace import FLOAT, Trace, Weight
from advisor.fit.memory.weights import Placement
from advisor.fit.spec import BuildSizes, LayerSizes, Settings

PLAIN = ("f32", "f16", "bf16")
INTEGER, INDEX = 4, 8  # bytes of a position, and of a row's place in the cache
MEAN = 1  # LLAMA_POOLING_TYPE_MEAN
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
    rough: bool = False  # blocks of one kind are taken to be alike

    @property
    def kv_types(self) -> dict[str, str]:
        return {"k": self.settings.kv_type_k, "v": self.settings.kv_type_v}


def home_of(where: Placement, il: int, host: int) -> int:
    """The device that holds a block."""
    return next((d for d in range(host) if where.bounds[d] <= il < where.bounds[d + 1]), host)


def homes(where: Placement, blocks: int) -> list[tuple[int, int, int]]:
    """(device, first block, end) of the first `blocks`, in their order: the host's, then those of each device."""
    ends = [0, *(min(bound, blocks) for bound in where.bounds)]
    places = (len(where.bounds) - 1, *range(len(where.bounds) - 1))
    return [(place, a, b) for place, a, b in zip(places, ends, ends[1:], strict=False) if a < b]


class Incomplete(Exception):
    """A block lacks a weight that its graph works with: a file may hold anything, and no engine loads this one."""


def unroll(run: Run, kept: Sequence[int]) -> Trace:
    """The trace of the blocks `kept`, in order. Raises Incomplete."""
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
    try:
        for b in blocks:
            x = block(b, x)
    except KeyError as missing:
        raise Incomplete from missing
    head(run, t, x)
    return t


def last(sizes: BuildSizes) -> int:
    """The last block that is loaded: those behind it only draft tokens."""
    return next((il for il in reversed(range(len(sizes.layers))) if sizes.layers[il].matrices), 0)


def given(run: Run, t: Trace) -> dict[str, int]:
    """Inputs of the graph that its caller fills on the host before each run, by name.

    A batch may come as tokens, as rows of the stream, or as both (`build_inp_embd`): all have their inputs.
    """
    sizes, size, u, facts = run.sizes, run.size, run.size.ubatch, run.sizes.graph["facts"]
    made = {
        "tokens": t.given(INTEGER * u),
        "tokens of both": t.given(INTEGER * u),
        "rows": t.given(FLOAT * u * sizes.hidden),
        "places of both": t.given(INDEX * u),
        "rows of both": t.given(FLOAT * u * sizes.hidden),
    }
    if facts["scaled_embedding"]:
        made["scale of rows"] = t.given(FLOAT * u)
    made["positions"] = t.given(INTEGER * u * facts["axes"])
    if facts["scaled_query"]:
        made["scale"] = t.given(FLOAT * u)
    kinds = Kinds.of(sizes.layers).distinct
    widest = max(layer.v_elements for layer in kinds)
    for layer in kinds:
        if f"mask {layer.window}" in made or not (layer.k_elements or facts["cacheless"]):
            continue
        word = 2 if run.flash else FLOAT
        if facts["cacheless"]:
            made[f"mask {layer.window}"] = t.given(word * u * u)
            continue
        made[f"k_rows {layer.window}"] = t.given(INDEX * u)
        made[f"v_rows {layer.window}"] = t.given(INDEX * u * (1 if run.flash else widest))
        made[f"mask {layer.window}"] = t.given(word * u * size.of(layer.window))
        head = sizes.graph["blocks"][layer.block]["head"]
        for which, kind in run.kv_types.items():
            if kind not in PLAIN and head % TURNS == 0:
                side = head & -head if which == "k" else TURNS
                made[f"rotation_{which} {layer.window}"] = t.given(FLOAT * side * side)
    if any(layer.state_conv for layer in kinds):
        made["sequences"] = t.given(INTEGER * size.slots)
        made["ordered"] = t.given(INTEGER * size.slots)
        made["left"] = t.given(INTEGER * (size.slots - 1))
    made["asked"] = t.given(INTEGER * run.rows)
    return made


def embedding(run: Run, t: Trace, inputs: dict[str, int]) -> int:
    """Rows of the embedding, looked up on the host.

    The branch for batches that mix tokens and given rows stands beside it: nobody reads its result, so its room is
    never given back.
    """
    u = run.size.ubatch
    size = FLOAT * u * run.sizes.hidden
    x, other = (t.op(size, inputs[name], at=t.host) for name in ("tokens", "tokens of both"))
    kept = t.op(size, inputs["rows of both"])
    t.op(0, other, inputs["places of both"], kept, writes=True)
    t.pinned.add(kept)
    if "scale of rows" in inputs:
        x = t.op(size, x, inputs["scale of rows"], inplace=True)
    if run.sizes.graph["extra"]:
        inputs["table"] = t.op(FLOAT * u * run.sizes.graph["extra"], inputs["tokens"], at=t.host)
        inputs["stream"] = x
    return entered(run, t, x, inputs)


def entered(run: Run, t: Trace, x: int, inputs: dict[str, int]) -> int:
    """Rows of learned positions and of the token's type added, and a norm before the first block."""
    u, facts, entry = run.size.ubatch, run.sizes.graph["facts"], run.sizes.graph["facts"]["entry"]
    row = FLOAT * run.sizes.hidden
    places = t.op(row * u, inputs["positions"], at=t.host) if "position_embd" in entry else -1
    if "token_types" in entry:
        x = t.op(row * u, x, t.value(row, t.host), inplace=True)
    if places >= 0:
        x = t.op(row * u, places, x, inplace=True)
    if "token_embd_norm" in entry:
        x = t.op(row * u, x, inplace=not facts["layer_norm"])
        for _ in range(1 + facts["entry_bias"]):
            x = t.op(row * u, x, weight=Weight(row, home_of(run.where, 0, t.host)), rows=u, inplace=True)
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
        home=home,
        cache_home=home_of(run.where, source, t.host) if run.settings.kv_offload else t.host,
        k_elements=structure["key"] if sizes.graph["facts"]["cacheless"] else of.k_elements,
        v_elements=structure["key"] if sizes.graph["facts"]["cacheless"] else of.v_elements,
        window=of.window,
        flash=run.flash,
        kernel=structure["flash"],
        borrowed=source != il,
        unpacked=unpacked(run, of),
        conv_rows=layer.state_conv,
        left=run.size.slots - 1 if run.settings.unified else 0,
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
    """The last norm, the output layer where there is one, and one row per sequence where embeddings are asked for."""
    at, facts = t.host if run.where.output is None else run.where.output, run.sizes.graph["facts"]
    n, d = run.rows, run.sizes.hidden
    if facts["last_norm"]:
        x = t.op(FLOAT * n * d, x, inplace=not facts["layer_norm"])
        x = t.op(FLOAT * n * d, x, weight=Weight(FLOAT * d, at), rows=n, inplace=True)
    if not facts["silent"]:
        t.op(FLOAT * n * run.sizes.n_vocab, x, weight=Weight(run.sizes.output_device, at), rows=n)
    if run.settings.embedding and facts["pooling"]:
        mean = facts["pooling"] == MEAN
        which = t.given(FLOAT * n * run.size.slots if mean else INTEGER * run.size.slots)
        t.op(FLOAT * d * run.size.slots, t.op(FLOAT * n * d, x) if mean else x, which)
