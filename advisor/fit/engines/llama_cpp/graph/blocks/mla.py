"""Multi-head latent attention (`deepseek2.cpp`), optionally sparse through an indexer (`deepseek32.cpp`)."""

from __future__ import annotations

from collections.abc import Callable

from advisor.fit.engines.llama_cpp.graph.blocks.attention import attend, rotated, store
from advisor.fit.engines.llama_cpp.graph.blocks.block import Block
from advisor.fit.engines.llama_cpp.graph.trace import INTEGER


def few_columns(b: Block, x: int) -> int:
    """The low-rank query input; -1 in models without one."""
    return b.norm("attn_q_a_norm", b.matmul("attn_q_a", x), b.width["attn_q_a"]) if b.has("attn_q_a") else -1


def unabsorbed(b: Block, x: int) -> Callable[[], int]:
    """MLA whose keys and values are expanded before they are cached (`deepseek2.cpp` with older files)."""
    t, positions = b.trace, b.inputs["positions"]
    x = b.entry(x)
    few = few_columns(b, x)
    q = b.matmul("attn_q_b", few) if few >= 0 else b.matmul("attn_q", x)
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
    """MLA with the key projection absorbed into the query."""
    t, joined, rank, x = b.trace, b.query // b.heads, b.value // b.heads, b.entry(x)
    rope, wide = joined - rank, b.heads * b.width["attn_v_b"]
    if b.has("indexer.attn_k"):
        index_keys(b, x)
    few = few_columns(b, x)
    q = b.matmul("attn_q_b", few) if few >= 0 else b.matmul("attn_q", x)
    absorbed = t.op(b.row(b.heads * rank), q, weight=b.weights["attn_k_b"], rows=b.tokens)
    turned = t.op(b.row(b.heads * rope), q, b.inputs["positions"]) if b.turned else q
    query = t.op(b.row(b.query), absorbed, turned)
    both = b.matmul("attn_kv_a_mqa", x)
    low = b.norm("attn_kv_a_norm", both, rank, inplace=False)
    k = t.op(b.row(joined), low, t.op(b.row(rope), both, b.inputs["positions"]) if b.turned else both)
    store(b, k, -1)
    if b.has("indexer.attn_k"):
        mask = chosen_mask(b, x, few)
    else:  # reuse the selection of the last block with an indexer, unless the block has a window
        sparse = "best" in b.shared and b.window is None
        mask = opened_mask(b, open_zeros(b)) if sparse else b.inputs[f"mask {b.window}"]
    if b.flash:
        t.attending.append((len(t.operations), b.home))
        out = t.op(b.row(b.value), query, b.k, b.again, mask, at=-1 if b.kernel else t.host)
        t.extra[out] = b.unpacked
    else:
        cells = b.size.of(b.window)
        values = t.op(2 * cells * b.size.streams * rank, b.again)
        scores = t.op(b.row(b.heads * cells), b.k, query)
        scores = t.op(b.row(b.heads * cells), scores, mask, inplace=True)
        out = t.op(b.row(b.value), values, scores)
    out = t.op(b.row(wide), out, weight=b.weights["attn_v_b"], rows=b.tokens)
    out = t.op(b.row(wide), out)
    if not b.has("ffn_down_exps"):
        b.expanded()

    def join() -> int:
        y = out
        if b.has("attn_gate"):  # one value per head
            gate = t.op(b.row(b.heads), b.matmul("attn_gate", x))
            y = t.op(b.row(wide), t.op(b.row(wide), y, gate))
        return b.matmul("attn_output", y, b.hidden)

    return join


def index_keys(b: Block, x: int) -> None:
    """Indexer keys, with RoPE and rotation, stored in a cache of their own."""
    t, size = b.trace, b.row(b.facts["index"])
    k = b.norm("indexer.k_norm", b.matmul("indexer.attn_k", x), b.facts["index"], inplace=False)
    k = t.op(size, b.inputs["rotation of index"], t.op(size, k, b.inputs["positions"]))
    t.op(0, k, b.inputs["rows of index"], at=b.cache_home, writes=True)


def chosen_mask(b: Block, x: int, few: int) -> int:
    """The mask of the cells that the indexer selects for each token."""
    t, cells, wide = b.trace, b.size.of(b.window), b.row(b.width["indexer.attn_q_b"])
    most, zeros = INTEGER * b.tokens * min(cells, b.facts["top_k"]), open_zeros(b)
    q = t.op(wide, b.matmul("indexer.attn_q_b", few), b.inputs["positions"])
    q = t.op(wide, b.inputs["rotation of index"], q)
    weights = t.op(b.row(b.width["indexer.proj"]), b.matmul("indexer.proj", x))
    scores = t.op(b.row(cells), q, b.index, weights, b.inputs["mask of index"])
    b.shared["best"] = t.op(most, t.op(most, scores))
    return opened_mask(b, zeros)


def open_zeros(b: Block) -> int:
    """Zeros that open a mask at the selected cells."""
    return b.trace.op(b.row(min(b.size.of(b.window), b.facts["top_k"])), b.zeros, inplace=True)


def opened_mask(b: Block, zeros: int) -> int:
    """A closed mask, opened at the last selected cells where the regular mask is open too."""
    t, mask = b.trace, b.inputs[f"mask {b.window}"]
    closed = t.op(t.size[mask], mask, inplace=True)
    t.op(0, zeros, b.shared["best"], closed, writes=True)
    return t.op(t.size[mask], b.seen(closed), mask, inplace=True)
