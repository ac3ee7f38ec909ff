"""Recurrent mixers: Mamba-1, Mamba-2 and short convolutions."""

from __future__ import annotations

from collections.abc import Callable

from advisor.fit.engines.llama_cpp.graph.blocks.block import Block
from advisor.fit.engines.llama_cpp.graph.trace import FLOAT


def states(b: Block) -> None:
    """Clears the convolution state where a sequence starts, gathers it, and moves the remaining states."""
    t, home = b.trace, b.cache_home
    t.op(0, b.state_conv, at=home, writes=True)
    b.got = t.op(FLOAT * b.size.slots * b.conv_rows, b.state_conv, b.inputs["sequences"])
    t.op(0, b.got, at=home, writes=True)


def convolved(b: Block, state: int, x: int, channels: int, name: str) -> int:
    """Concatenates state and new rows, stores the new state, and convolves both."""
    t, taps = b.trace, b.facts["taps"]
    joined = t.op(FLOAT * channels * (b.tokens + b.size.slots * taps), state, x)
    t.op(0, joined, at=b.cache_home, writes=True)
    b.trace.op(0, b.state_ssm, at=b.cache_home, writes=True) if b.state_ssm >= 0 else None
    return t.op(b.row(channels), joined, weight=b.weights[name], rows=b.tokens)


def columns(b: Block, x: int, of: int, width: int) -> int:
    """A column slice of a wider value: a copy on another device includes everything between its rows."""
    return b.trace.part(x, FLOAT * ((b.tokens - 1) * of + width))


def mamba(b: Block, x: int) -> Callable[[], int]:
    """Mamba-1 or Mamba-2 block (`mamba-base.cpp`)."""
    t, inner, state, groups = b.trace, b.facts["d_inner"], b.facts["d_state"], b.facts["groups"]
    if b.got < 0:
        states(b)
    both = b.matmul("ssm_in", b.entry(x))
    first = b.has("ssm_x")
    channels = inner if first else inner + 2 * groups * state
    y = convolved(b, b.got, both, channels, "ssm_conv1d")
    y = b.like(b.biased("ssm_conv1d.bias", y, channels))
    scanned = FLOAT * (b.tokens * inner + b.size.slots * state * inner)
    if first:
        low = b.matmul("ssm_x", y)
        rank = b.width["ssm_x"] - 2 * state
        step = t.op(b.row(rank), low) if not b.has("ssm_dt_norm") else b.norm("ssm_dt_norm", low, rank, inplace=False)
        dt = b.matmul("ssm_dt", step)
        bc = [
            b.norm(n, low, state, inplace=False) if b.has(n) else columns(b, low, rank + 2 * state, state)
            for n in ("ssm_b_norm", "ssm_c_norm")
        ]
        out = t.op(scanned, b.state_ssm, y, dt, *bc, b.inputs["ordered"], weight=b.weights["ssm_a"], rows=1)
    else:
        dt = t.op(b.row(b.facts["dt_rank"]), both)
        dt = b.biased("ssm_dt.bias", dt, b.facts["dt_rank"])
        xbc = [columns(b, y, channels, width) for width in (inner, groups * state, groups * state)]
        out = t.op(scanned, b.state_ssm, xbc[0], dt, *xbc[1:], b.inputs["ordered"], weight=b.weights["ssm_a"], rows=1)
    rest = t.op(FLOAT * (b.size.slots - 1) * state * inner, b.state_again, b.inputs["left"])
    t.op(0, t.part(rest, FLOAT * b.left * state * inner), at=b.cache_home, writes=True)
    t.op(0, t.part(out, FLOAT * b.size.slots * state * inner), at=b.cache_home, writes=True)
    out = t.part(out, b.row(inner))
    if not b.has("ffn_down_exps"):
        b.expanded()

    def join() -> int:
        z = t.op(b.row(inner), both)
        skip = t.op(b.row(inner), y, weight=b.weights["ssm_d"], rows=b.tokens, inplace=first) if b.has("ssm_d") else y
        h = t.op(b.row(inner), out, skip, inplace=True)
        h = t.op(b.row(inner), z, h)
        if b.has("ssm_norm"):
            h = b.norm("ssm_norm", h, inner, inplace=False, rows=groups)
        made = b.matmul("ssm_out", h, b.hidden)
        return b.seen(made) if first else made

    return join


def short_convolution(b: Block, x: int) -> Callable[[], int]:
    """Gated convolution over a few tokens (`lfm2.cpp`)."""
    t, d = b.trace, b.hidden
    if b.got < 0:
        states(b)
    three = b.matmul("shortconv.in_proj", b.entry(x))
    gate = t.op(b.row(d), three, three)
    joined = t.op(FLOAT * d * (b.tokens + b.size.slots * b.facts["taps"]), b.got, gate)
    t.op(0, joined, at=b.cache_home, writes=True)
    y = t.op(b.row(d), joined, weight=b.weights["shortconv.conv"], rows=b.tokens)
    y = t.op(b.row(d), y, three, inplace=True)
    return lambda: b.matmul("shortconv.out_proj", y)
