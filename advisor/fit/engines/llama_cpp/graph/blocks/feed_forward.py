"""Feed-forward and mixture-of-experts layers (`llama-graph.cpp`, build_ffn and build_moe_ffn)."""

from __future__ import annotations

from advisor.fit.engines.llama_cpp.graph.blocks.block import Block


def feed_forward(b: Block, x: int) -> int:
    if b.has("ffn_down_exps"):
        return experts(b, x)
    return gated(b, x, "ffn_gate", "ffn_up", "ffn_down")


def gated(b: Block, x: int, gate: str, up: str, down: str) -> int:
    t, width = b.trace, b.facts["inner"].get(down) or b.width[up]
    if b.has(gate):
        g = b.matmul(gate, x)
        u = b.matmul(up, x)
        h = t.op(b.row(b.width[up]), g, u)
    else:
        h = b.matmul(up, x)
        h = b.like(h) if b.width[up] == width else t.op(b.row(width), h)
    return b.matmul(down, h, b.hidden)


def experts(b: Block, x: int) -> int:
    """Routed and shared experts."""
    t, used, wide = b.trace, b.facts["used"], b.width["ffn_down_exps"]
    early = b.facts["early"]  # weighted before the experts instead of after, and selected by the raw logits
    ids, weights = chosen(b, x)
    source = b.matmul("ffn_latent_down", x) if b.has("ffn_latent_down") else x
    if early:
        source = t.op(b.row(used * wide), t.op(b.row(used * wide), x), weights, inplace=True)
    out = routed(b, "ffn_down_exps", hidden_rows(b, source, ids), ids, wide)
    if not early:
        out = t.op(b.row(used * wide), out, weights, inplace=True)
    y = t.op(b.row(wide), *(out,) * min(used, 2))
    for _ in range(used - 2):
        y = t.op(b.row(wide), y, out, inplace=True)
    b.expanded()
    y = b.matmul("ffn_latent_up", y, b.hidden) if b.has("ffn_latent_up") else y
    return b.add(y, always(b, x)) if b.has("ffn_down_shexp") else y


def chosen(b: Block, x: int) -> tuple[int, int]:
    """Ids of each token's selected experts, and their router weights."""
    t, used = b.trace, b.facts["used"]
    logits = b.matmul("ffn_gate_inp", x)
    probs = t.op(t.size[logits], logits, inplace=not b.facts["early"])
    choice = logits if b.facts["early"] else probs
    if b.has("exp_probs_b.bias"):
        choice = t.op(t.size[probs], probs, weight=b.weights["exp_probs_b.bias"], rows=b.tokens, inplace=True)
    ids = t.op(t.size[probs], choice)
    weights = t.op(b.row(used), probs, ids)
    if b.facts["normed"]:
        weights = t.op(b.row(used), weights, b.like(t.op(b.row(1), weights)))
    elif b.facts["late_softmax"]:
        weights = t.op(b.row(used), weights)
    return ids, weights


def routed(b: Block, name: str, x: int, ids: int, width: int) -> int:
    """Product with the selected experts' matrices, plus their biases."""
    size, rows = b.row(b.facts["used"] * width), b.tokens
    y = b.trace.op(size, x, ids, weight=b.weights[name], rows=rows)
    bias = b.weights.get(name + ".bias")
    return b.trace.op(size, y, ids, weight=bias, rows=b.facts["used"] * rows, inplace=True) if bias else y


def hidden_rows(b: Block, x: int, ids: int) -> int:
    """Activations that enter the experts' down projection."""
    t, used = b.trace, b.facts["used"]
    if b.has("ffn_gate_up_exps"):
        width = b.width["ffn_gate_up_exps"] // 2
        return t.op(b.row(used * width), routed(b, "ffn_gate_up_exps", x, ids, 2 * width))
    width = b.width["ffn_up_exps"]
    if not b.has("ffn_gate_exps"):
        return b.like(routed(b, "ffn_up_exps", x, ids, width))
    gate = routed(b, "ffn_gate_exps", x, ids, width)
    return t.op(b.row(used * width), gate, routed(b, "ffn_up_exps", x, ids, width))


def always(b: Block, x: int) -> int:
    """The shared expert, gated when it has a gate."""
    y = gated(b, x, "ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp")
    if b.has("ffn_gate_inp_shexp"):
        gate = b.like(b.matmul("ffn_gate_inp_shexp", x, 1))
        y = b.trace.op(b.row(b.hidden), y, gate, inplace=True)
    return y
