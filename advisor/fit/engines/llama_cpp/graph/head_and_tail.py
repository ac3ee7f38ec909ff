"""Graph ops before the first block and after the last: embedding, AltUp streams, output layer, pooling."""

from __future__ import annotations

from advisor.fit.engines.llama_cpp.graph.blocks.altup import Streams
from advisor.fit.engines.llama_cpp.graph.run import Run, home_of
from advisor.fit.engines.llama_cpp.graph.trace import FLOAT, INTEGER, Trace, Weight

MEAN = 1  # LLAMA_POOLING_TYPE_MEAN


def embedding(run: Run, t: Trace, inputs: dict[str, int]) -> int:
    """Embedding rows, looked up on the host.

    The branch for batches that mix tokens and embeddings is allocated beside it: its result is never read, so its
    memory is never freed.
    """
    u = run.size.tokens
    size = FLOAT * u * run.sizes.hidden
    x, other = (t.op(size, inputs[name], at=t.host) for name in ("tokens", "tokens of both"))
    if run.wide > run.sizes.hidden:
        size = FLOAT * u * run.wide
        inputs["stacked"], other = t.op(size, x), t.op(size, other)
        x = t.part(inputs["stacked"], size - FLOAT * (run.wide - run.sizes.hidden))
    kept = t.op(size, inputs["rows of both"])
    t.op(0, other, inputs["places of both"], kept, writes=True)
    t.pinned.add(kept)
    if "scale of rows" in inputs:
        x = t.op(size, x, inputs["scale of rows"], inplace=True)
    if run.sizes.graph["extra"]:
        table = FLOAT * u * run.sizes.graph["extra"]
        looked_up = t.op(table, inputs["tokens"], at=t.host)
        inputs["table"] = t.op(table, t.part(looked_up, table), inplace=True)
        inputs["stream"] = x
    if run.sizes.graph["facts"]["altup"]:
        return streams(run, t).stacked(x)
    return entered(run, t, x, inputs)


def streams(run: Run, t: Trace) -> Streams:
    """The streams of AltUp models; the matrices that create and merge them are placed with the output layer."""
    at = t.host if run.where.output is None else run.where.output
    count = run.sizes.graph["blocks"][run.sizes.layers[0].block]["width"]["altup_router"]
    weight = Weight(run.sizes.graph["facts"]["altup"], at)
    return Streams(t, count, FLOAT * run.sizes.hidden, run.size.tokens, weight)


def entered(run: Run, t: Trace, x: int, inputs: dict[str, int]) -> int:
    """Adds learned positions and token types, and applies the embedding norm."""
    u, facts, entry = run.size.tokens, run.sizes.graph["facts"], run.sizes.graph["facts"]["entry"]
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


def head(run: Run, t: Trace, x: int, asked: int) -> None:
    """The final norm, the output layer if any, and one pooled row per sequence when embeddings are requested."""
    at, facts = t.host if run.where.output is None else run.where.output, run.sizes.graph["facts"]
    n, d = run.rows, run.sizes.hidden
    if facts["altup"]:
        x = t.op(FLOAT * n * d, streams(run, t).merged(x), asked)
    if facts["last_norm"]:
        x = t.op(FLOAT * n * d, x, inplace=not facts["layer_norm"])
        x = t.op(FLOAT * n * d, x, weight=Weight(FLOAT * d, at), rows=n, inplace=True)
    if not facts["silent"]:
        t.op(FLOAT * n * run.sizes.n_vocab, x, weight=Weight(run.sizes.output_device, at), rows=n)
    if run.settings.embedding and facts["pooling"]:
        mean = facts["pooling"] == MEAN
        which = t.given(FLOAT * n * run.size.slots if mean else INTEGER * run.size.slots)
        t.op(FLOAT * d * run.size.slots, t.op(FLOAT * n * d, x) if mean else x, which)
