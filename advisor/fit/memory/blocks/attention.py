"""Attention: with projections of its own, and latent (`llama-graph.cpp` build_attn, `deepseek2.cpp`)."""

from __future__ import annotations

from collections.abc import Callable

from advisor.fit.memory.blocks.block import Block


def attention(b: Block, x: int, *, normed: bool = True) -> Callable[[], int]:
    """Query, key and value of a block with its own projections; hands back the last product, which comes later."""
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
                v = b.matmul("attn_v", x) if b.has("attn_v") else -1
                v = rotated(b, "v", v, b.v_elements)
            k = rotated(b, "k", shaped(b, "k", b.matmul("attn_k", x), b.k_elements), b.k_elements)
            if late:
                v = rotated(b, "v", b.matmul("attn_v", x) if b.has("attn_v") else k, b.v_elements)
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
    """Query or key by head: normed where it is, and turned by position. What is read by head gives no room away."""
    norm, positions, factors = f"attn_{which}_norm", b.inputs["positions"], b.inputs.get("factors", -1)
    whole = b.has(norm) and b.width[norm] == width
    if whole:
        x = b.norm(norm, x, width)
    x = b.seen(x, width)
    if b.has(norm) and not whole:
        x = b.norm(norm, x, width, rows=width // b.width[norm])
    if b.turned:
        return b.trace.op(b.row(width), x, positions, beside=factors, inplace=True)
    scale = b.inputs.get("scale", -1)  # of queries that look far
    return b.trace.op(b.row(width), x, scale, inplace=True) if which == "q" and scale >= 0 else x


def rotated(b: Block, which: str, x: int, width: int) -> int:
    """Before they are quantised, keys and values are multiplied by a Hadamard matrix; queries and results as well."""
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
    """Attention on the cache, or of the batch on itself where there is none."""
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


def narrowed(b: Block, x: int) -> int:
    """The query of latent attention, in some models by way of few columns."""
    if not b.has("attn_q_a"):
        return b.matmul("attn_q", x)
    return b.matmul("attn_q_b", b.norm("attn_q_a_norm", b.matmul("attn_q_a", x), b.width["attn_q_a"]))


def unabsorbed(b: Block, x: int) -> Callable[[], int]:
    """Latent attention whose keys and values are expanded before they are kept (`deepseek2.cpp` of older files)."""
    t, positions = b.trace, b.inputs["positions"]
    x = b.entry(x)
    q = narrowed(b, x)
    both = b.matmul("attn_kv_a_mqa", x)
    kv = b.matmul("attn_kv_b", b.norm("attn_kv_a_norm", both, b.facts["rank"], inplace=False))
    v = t.op(b.row(b.v_elements), kv)
    q = t.op(b.row(b.query), q, positions)
    turned = t.op(b.row(b.facts["rope"]), both, positions)
    k = t.op(b.row(b.k_elements), kv, t.op(b.row(b.heads * b.facts["rope"]), turned))
    q, v, k = rotated(b, "k", q, b.query), rotated(b, "v", v, b.v_elements), rotated(b, "k", k, b.k_elements)
    store(b, k, v)
    out = attend(b, q, k, v)
    if not b.has("ffn_down_exps"):
        b.expanded()
    return lambda: b.matmul("attn_output", rotated(b, "v", out, b.value), b.hidden)


def latent(b: Block, x: int) -> Callable[[], int]:
    """Multi-head latent attention with the key's projection absorbed into the query (`deepseek2.cpp`)."""
    t, rank, rope, x = b.trace, b.facts["rank"], b.facts["rope"], b.entry(x)
    q = narrowed(b, x)
    absorbed = t.op(b.row(b.heads * rank), q, weight=b.weights["attn_k_b"], rows=b.tokens)
    turned = t.op(b.row(b.heads * rope), q, b.inputs["positions"])
    query = t.op(b.row(b.heads * (rank + rope)), absorbed, turned)
    both = b.matmul("attn_kv_a_mqa", x)
    low = b.norm("attn_kv_a_norm", both, rank, inplace=False)
    k = t.op(b.row(rank + rope), low, t.op(b.row(rope), both, b.inputs["positions"]))
    store(b, k, -1)
    b.query, b.value, wide = b.heads * (rank + rope), b.heads * rank, b.heads * b.facts["value"]
    if b.flash:
        t.attending.append((len(t.operations), b.home))
        out = t.op(b.row(b.value), query, b.k, b.again, b.inputs[f"mask {b.window}"])
        t.extra[out] = b.unpacked
        out = t.op(b.row(wide), out, weight=b.weights["attn_v_b"], rows=b.tokens)
        out = t.op(b.row(wide), out)
    else:
        cells = b.size.of(b.window)
        values = t.op(2 * cells * b.size.streams * rank, b.again)
        scores = t.op(b.row(b.heads * cells), b.k, query)
        scores = t.op(b.row(b.heads * cells), scores, b.inputs[f"mask {b.window}"], inplace=True)
        out = t.op(b.row(b.value), values, scores)
        out = t.op(b.row(wide), out, weight=b.weights["attn_v_b"], rows=b.tokens)
        out = t.op(b.row(wide), out)
    if not b.has("ffn_down_exps"):
        b.expanded()
    return lambda: b.matmul("attn_output", out, b.hidden)
