"""Attention with separate or fused QKV projections (`llama-graph.cpp`, build_attn)."""

from __future__ import annotations

from collections.abc import Callable

from advisor.fit.engines.llama_cpp.graph.blocks.block import Block


def attention(b: Block, x: int, *, normed: bool = True) -> Callable[[], int]:
    """Traces projections and attention; returns a function that traces the output projection, which comes later."""
    t, gate, x = b.trace, -1, b.entry(x) if normed else x
    if b.has("attn_qkv"):
        fused = b.matmul("attn_qkv", x)
        q = rotated(b, "k", shaped(b, "q", fused, b.query), b.query)
        k = rotated(b, "k", shaped(b, "k", fused, b.k_elements), b.k_elements)
        v = rotated(b, "v", fused, b.v_elements)
    else:
        q = b.matmul("attn_q", x)
        if b.width["attn_q"] > b.query:  # query and gate side by side
            gate = q
        q = rotated(b, "k", shaped(b, "q", q, b.query), b.query)
        k = v = -1
        if b.has("attn_k") and not b.borrowed:
            late = b.facts["windowed"] or b.facts["cacheless"]  # elsewhere the graph's order is query, value, key
            if not late:
                v = rotated(b, "v", valued(b, b.matmul("attn_v", x) if b.has("attn_v") else -1), b.v_elements)
            k = rotated(b, "k", shaped(b, "k", b.matmul("attn_k", x), b.k_elements), b.k_elements)
            if late:
                v = rotated(b, "v", valued(b, b.matmul("attn_v", x) if b.has("attn_v") else k), b.v_elements)
    if k >= 0:
        store(b, k, v)
    out = attend(b, q, k, v)
    if not b.has("ffn_down_exps"):
        b.expanded()

    def join() -> int:
        y = rotated(b, "v", out, b.value)
        if gate >= 0:
            y = t.op(b.row(b.value), b.seen(y), b.like(t.op(b.row(b.value), gate)), inplace=True)
        if b.has("attn_gate"):
            y = t.op(b.row(b.value), b.seen(y), b.like(b.matmul("attn_gate", x)), inplace=True)
        if b.has("attn_sub_norm"):
            y = b.norm("attn_sub_norm", y, b.value)
        return b.matmul("attn_output", y, b.hidden) if b.has("attn_output") else y

    return join


def shaped(b: Block, which: str, x: int, width: int) -> int:
    """Query or key by head, with its norm and RoPE. A view by head cannot be reused in place."""
    norm, positions, factors = f"attn_{which}_norm", b.inputs["positions"], b.inputs.get("factors", -1)
    whole = b.has(norm) and b.width[norm] == width
    if whole:
        x = b.norm(norm, x, width)
    x = b.seen(x, width)
    if b.has(norm) and not whole:
        x = b.norm(norm, x, width, rows=width // b.width[norm])
    if b.turned:
        return b.trace.op(b.row(width), x, positions, beside=factors, inplace=True)
    scale = b.inputs.get("scale", -1)  # of long-range queries
    return b.trace.op(b.row(width), x, scale, inplace=True) if which == "q" and scale >= 0 else x


def valued(b: Block, v: int) -> int:
    """Values, RMS-normed by head where the architecture does so."""
    return b.trace.op(b.row(b.v_elements), v) if v >= 0 and b.facts["value_norm"] else v


def rotated(b: Block, which: str, x: int, width: int) -> int:
    """Hadamard rotation before quantisation of keys and values; applied to queries and results as well."""
    matrix = b.inputs.get(f"rotation_{which} {b.window}", -1)
    if x < 0 or matrix < 0:
        return x
    return b.trace.op(b.row(width), matrix, x)


def store(b: Block, k: int, v: int) -> None:
    t = b.trace
    if b.k < 0:
        return
    t.op(0, k, b.inputs[f"k_rows {b.window}"], at=b.cache_home, writes=True)
    if b.v >= 0 and v >= 0:
        t.op(0, v, b.inputs[f"v_rows {b.window}"], at=b.cache_home, writes=True)


def attend(b: Block, q: int, k: int, v: int) -> int:
    """Attention over the cache, or of the batch over itself when there is none."""
    t, mask = b.trace, b.inputs[f"mask {b.window}"]
    cells = b.size.of(b.window)
    if b.k >= 0:
        k, v = b.k, b.v
    elif b.flash:
        k, v = (t.op(2 * b.tokens * n, x) for n, x in ((b.k_elements, k), (b.v_elements, v)))
    else:
        cells, v = b.tokens, t.op(b.row(b.v_elements), v)
    if b.flash:
        sinks = b.weights.get("attn_sinks")
        t.attending.append((len(t.operations), b.home))
        at = -1 if b.kernel else t.host
        out = t.op(b.row(b.value), q, k, v, mask, beside=t.copied(sinks) if sinks else -1, at=at)
        t.extra[out] = b.unpacked
        return out
    scores = t.op(b.row(b.heads * cells), k, q)
    scores = t.op(b.row(b.heads * cells), scores, mask, inplace=True)
    return t.op(b.row(b.value), t.op(b.row(b.value), v, scores))
