"""Gated delta rule, with one decay per head or per channel (`delta-net-base.cpp`)."""

from __future__ import annotations

from collections.abc import Callable

from advisor.fit.engines.llama_cpp.graph.blocks.block import Block
from advisor.fit.engines.llama_cpp.graph.blocks.recurrent import states
from advisor.fit.engines.llama_cpp.graph.trace import FLOAT


def delta(b: Block, x: int) -> Callable[[], int]:
    """Gated delta rule (`qwen3next.cpp`, `qwen35moe.cpp`, `delta-net-base.cpp`)."""
    t, inner, state, groups = b.trace, b.facts["d_inner"], b.facts["d_state"], b.facts["groups"]
    x = b.entry(x)
    states(b)
    channels = b.width["ssm_conv1d"]
    heads = b.facts["dt_rank"]
    mixed = b.matmul("attn_qkv" if b.has("attn_qkv") else "ssm_in", x)
    taps = b.facts["taps"]
    joined = t.op(FLOAT * channels * (b.tokens + b.size.slots * taps), b.got, mixed)
    t.op(0, joined, at=b.cache_home, writes=True)
    t.op(0, b.state_ssm, at=b.cache_home, writes=True)
    memory = t.op(FLOAT * b.size.slots * state * inner, b.state_ssm, b.inputs["sequences"])
    t.op(0, memory, at=b.cache_home, writes=True)
    y = b.like(t.op(b.row(channels), joined, weight=b.weights["ssm_conv1d"], rows=b.tokens))
    parts = []
    for _ in "qk":
        part = b.like(t.op(b.row(groups * state), y))
        if b.has("ssm_ba"):  # fewer query and key heads than value heads: repeated
            part = t.op(b.row(heads * state), part)
        parts.append(part)
    if b.has("ssm_ba"):
        two = b.matmul("ssm_ba", x)
        a, beta = t.op(b.row(heads), two), -1
    else:
        a, two, beta = b.matmul("ssm_alpha", x), -1, -1
    a = b.like(b.biased("ssm_dt.bias", a, heads))
    a = t.op(b.row(heads), a, weight=b.weights["ssm_a"], rows=b.tokens, inplace=True)
    beta = b.like(t.op(b.row(heads), two) if two >= 0 else b.matmul("ssm_beta", x))
    out = t.op(FLOAT * (b.tokens * inner + b.size.slots * state * inner), *parts, y, a, beta, memory)
    t.op(0, out, at=b.cache_home, writes=True)

    def join() -> int:
        h = b.norm("ssm_norm", out, inner, inplace=False, rows=heads)
        z = b.like(b.seen(b.matmul("attn_gate", x)))
        return b.seen(b.matmul("ssm_out", t.op(b.row(inner), h, z, inplace=True), b.hidden))

    return join


def kda(b: Block, x: int) -> Callable[[], int]:
    """Delta rule with a decay per channel, and a convolution each for query, key and value (`kimi-linear.cpp`).

    Decay and output gate may be low-rank pairs, or one matrix each (`bailingmoe3.cpp`).
    """
    t, taps, slots, inner = b.trace, b.facts["taps"], b.size.slots, b.width["attn_q"]
    memory_size = FLOAT * slots * inner * (inner // b.heads)
    if b.got < 0 and not b.has("ssm_f_b"):
        states(b)
    x = b.entry(x)
    if b.got < 0:
        states(b)
    joined = []
    for which in "qkv":
        third = t.part(b.got, FLOAT * ((slots - 1) * b.conv_rows + taps * inner))
        joined.append(t.op(FLOAT * inner * (b.tokens + slots * taps), third, b.matmul(f"attn_{which}", x)))
        kept = t.part(joined[-1], FLOAT * (inner * slots * (b.tokens // slots + taps) - b.tokens // slots))
        t.op(0, kept, at=b.cache_home, writes=True)
    t.op(0, b.state_ssm, at=b.cache_home, writes=True)
    memory = t.op(memory_size, b.state_ssm, b.inputs["sequences"])
    t.op(0, memory, at=b.cache_home, writes=True)
    mixed = []
    for which, rows in zip("qkv", joined, strict=True):
        y = t.op(b.row(inner), t.op(b.row(inner), rows, beside=t.copied(b.weights[f"ssm_conv1d_{which}"])))
        mixed.append(y if which == "v" else b.like(t.op(b.row(inner), y)))
    decay = b.biased("ssm_dt.bias", widened(b, "ssm_f", x), inner)
    if b.has("ssm_f_b"):  # softplus before the product instead of a sigmoid after it
        decay = b.like(decay)
    decay = t.op(b.row(inner), decay, beside=t.copied(b.weights["ssm_a"]))
    beta = t.op(b.row(b.heads), b.matmul("ssm_beta", x))
    out = t.op(b.row(inner) + memory_size, *mixed, decay, beta, memory)
    t.op(0, t.part(out, memory_size), at=b.cache_home, writes=True)
    if not b.has("ffn_down_exps"):
        b.expanded()

    def join() -> int:
        h = b.norm("ssm_norm", t.op(b.row(inner), out), inner, inplace=False, rows=b.heads)
        z = t.op(b.row(inner), widened(b, "ssm_g", x))
        return b.matmul("attn_output", t.op(b.row(inner), t.op(b.row(inner), h, z, inplace=True)), b.hidden)

    return join


def widened(b: Block, name: str, x: int) -> int:
    """A projection, low-rank when there is a second matrix."""
    y = b.matmul(f"{name}_a", x)
    return b.matmul(f"{name}_b", y) if b.has(f"{name}_b") else y
