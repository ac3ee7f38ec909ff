"""Unrolls a build into a trace: embedding, blocks on their devices, and the requested output rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from advisor.fit.build import BuildSizes, LayerSizes
from advisor.fit.engines.llama_cpp.ggml_types import cuda_bytes, row_bytes, tensor_bytes
from advisor.fit.engines.llama_cpp.graph.blocks.block import Block
from advisor.fit.engines.llama_cpp.graph.blocks.block_order import block, lists, lists_early
from advisor.fit.engines.llama_cpp.graph.blocks.recurrent import states
from advisor.fit.engines.llama_cpp.graph.head_and_tail import embedding, head
from advisor.fit.engines.llama_cpp.graph.inputs import graph_inputs, unmasked
from advisor.fit.engines.llama_cpp.graph.run import Run, home_of, index_values
from advisor.fit.engines.llama_cpp.graph.trace import FLOAT, Trace, Weight


class Incomplete(Exception):
    """A block lacks a weight that its graph needs. Headers are untrusted, and no engine loads such a file."""


def unroll(run: Run, kept: Sequence[int]) -> Trace:
    """The trace of the blocks `kept`, in order. Raises Incomplete."""
    try:
        return unrolled(run, kept)
    except KeyError as missing:
        raise Incomplete from missing


def unrolled(run: Run, kept: Sequence[int]) -> Trace:
    t, facts = Trace(run.settings.devices), run.sizes.graph["facts"]
    inputs = graph_inputs(run, t)
    shared: dict[str, int] = {}
    factors: dict[int, int] = {}  # one copy of the rotary factors on every device with blocks
    x = embedding(run, t, inputs)
    zeros = {il: t.leaf(size) for il, size in unmasked(run)}
    blocks = {}
    for il in (il for il in kept if run.sizes.layers[il].matrices):
        home = home_of(run.where, il, t.host)
        if run.sizes.graph["factors"]:
            factors.setdefault(home, t.value(run.sizes.graph["factors"], home))
        blocks[il] = traced(run, t, il, inputs | ({"factors": factors[home]} if factors else {}), shared)
    if kept and kept[-1] == last(run.sizes):
        blocks[kept[-1]].asked = run.rows
    for b, after in pairwise([b for b in blocks.values() if lists(b)]):
        if lists_early(after):
            b.following = partial(states, after)
    for il, b in blocks.items():
        for passed in [n for n in zeros if n < il]:  # of skipped blocks in between
            t.op(0, zeros.pop(passed), writes=True)
        b.zeros = zeros.pop(il, -1)
        x = block(b, x)
        if il < facts["stacked"]:  # deepstack: image features of deeper layers, one set for each of the first blocks
            x = b.add(x, t.part(inputs["stacked"], t.size[inputs["stacked"]] - FLOAT * (run.wide - b.hidden)))
    head(run, t, x, inputs["asked"])
    return t


def last(sizes: BuildSizes) -> int:
    """Index of the last loaded block: MTP blocks after it only draft tokens."""
    return next((il for il in reversed(range(len(sizes.layers))) if sizes.layers[il].matrices), 0)


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
        tokens=run.size.tokens,
        hidden=sizes.hidden,
        heads=structure["heads"],
        query=structure["query"],
        value=structure["value"],
        turned=structure["turned"],
        sparse=structure["sparse"],
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
    """Adds K and V, by head with quantised rows padded as a copy on a device is, and the recurrent states."""
    t, cells, slots = b.trace, run.size.of(layer.window), run.size.slots
    if layer.k_elements:
        head = run.sizes.graph["blocks"][layer.block]["head"]
        rows = cells * run.size.streams

        def held(elements: int, kind: str) -> int:
            return t.value(cuda_bytes((head, elements // head * rows), kind), b.cache_home)

        kind, index = run.settings.kv_type_k, index_values(run, layer)
        keys = layer.k_elements - index
        b.k = held(keys, kind)
        if index:
            b.index = t.value(cuda_bytes((index, rows), kind), b.cache_home)
        if layer.v_elements:
            b.v = held(layer.v_elements, run.settings.kv_type_v)
        else:
            rank = run.sizes.graph["facts"]["rank"]
            values = tensor_bytes((keys, rows - 1), kind) + row_bytes(rank, kind)
            b.again = t.value(values, b.cache_home)
    if layer.state_conv:
        b.state_conv = t.value(FLOAT * slots * layer.state_conv, b.cache_home)
    if layer.state_ssm:
        b.state_ssm, b.state_again = (t.value(FLOAT * slots * layer.state_ssm, b.cache_home) for _ in range(2))


def unpacked(run: Run, layer: LayerSizes) -> int:
    """Bytes of quantised K and V of all streams, which CUDA dequantises to f16 beside the attention result."""
    if not run.flash:
        return 0
    v = layer.v_elements
    if not v and not run.settings.kv_offload:  # MLA: a copy of the keys stands for the values
        v = run.sizes.graph["facts"]["rank"]
    elements = {"k": layer.k_elements - index_values(run, layer), "v": v}
    expanded = sum(elements[which] for which, kind in run.kv_types.items() if kind != "f16")
    return 2 * run.size.of(layer.window) * run.size.streams * expanded
