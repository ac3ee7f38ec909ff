"""The ops of a block, in the order in which llama.cpp's graph builders list them (`src/models`, b11434).

A block is identified by the names of its weights: those present decide which ops there are.
"""

from __future__ import annotations

from collections.abc import Callable

from advisor.fit.engines.llama_cpp.graph.blocks.altup import altup
from advisor.fit.engines.llama_cpp.graph.blocks.attention import attention
from advisor.fit.engines.llama_cpp.graph.blocks.block import Block
from advisor.fit.engines.llama_cpp.graph.blocks.delta_net import delta, kda
from advisor.fit.engines.llama_cpp.graph.blocks.feed_forward import feed_forward
from advisor.fit.engines.llama_cpp.graph.blocks.mla import latent, unabsorbed
from advisor.fit.engines.llama_cpp.graph.blocks.per_layer_embedding import per_layer
from advisor.fit.engines.llama_cpp.graph.blocks.recurrent import mamba, short_convolution

Mixer = Callable[[Block, int], Callable[[], int]]

SECOND_NORMS = frozenset({"ffn_norm", "post_attention_norm", "attn_post_norm", "attn_output_norm"})
EXPERTS, FEEDS = "ffn_down_exps", frozenset({"ffn_down", "ffn_down_exps"})


def mixers(b: Block) -> list[Mixer]:
    """Token mixers of the block: none, one, or attention beside a state space."""
    found: list[Mixer] = []
    if b.has("attn_kv_a_mqa"):
        found.append(unabsorbed if b.has("attn_kv_b") else latent)
    elif b.has("ssm_f_a"):
        found.append(kda)
    elif b.has("ssm_ba") or b.has("ssm_beta"):
        found.append(delta)
    elif b.has("attn_q") or b.has("attn_qkv"):
        found.append(attention)
    if b.has("ssm_in") and delta not in found:
        found.append(mamba)
    if b.has("shortconv.conv"):
        found.append(short_convolution)
    return found


def block(b: Block, x: int) -> int:
    """The residual stream after a block."""
    if b.has("altup_router"):
        return altup(b, x)
    mix, feeds = mixers(b), bool(FEEDS & b.width.keys())
    if not mix:
        return b.add(feed_forward(b, b.norm("attn_norm", x, b.hidden)), x) if feeds else x
    if b.has("attn_norm") and feeds and not SECOND_NORMS & b.width.keys():
        return side_by_side(b, x)
    parts = [mixer(b, x) for mixer in mix]
    y = parts[0]()
    for part in parts[1:]:
        y = b.add(y, part())
    if b.asked is not None:
        y, x = narrow(b, y, x)
    second = second_norm(b)
    if b.has("post_attention_norm") and second != "post_attention_norm":
        y = b.norm("post_attention_norm", y, b.hidden)
    y = b.joined("mixer", y, x)
    if b.has("attn_output_norm"):
        y = b.norm("attn_output_norm", y, b.hidden)
    if feeds:
        out = feed_forward(b, b.norm(second, y, b.hidden) if b.has(second) else y)
        if b.has("post_ffw_norm"):
            out = b.norm("post_ffw_norm", out, b.hidden)
        y = b.joined("feed", out, y)
    if b.has("layer_output_norm"):
        y = b.norm("layer_output_norm", y, b.hidden)
    return per_layer(b, y) if b.has("inp_gate") and b.has("proj") else y


def second_norm(b: Block) -> str:
    """Name of the norm before the feed-forward; some architectures give that name to a norm after attention."""
    if b.has("attn_post_norm"):
        return "attn_post_norm"
    if b.has("attn_norm") and not b.has("ffn_norm"):
        return "post_attention_norm"
    return "ffn_norm"


def narrow(b: Block, *values: int) -> tuple[int, ...]:
    """Selects the requested rows: after the last attention only those continue."""
    b.tokens = b.asked or b.tokens
    rows = b.inputs["asked"]
    return tuple(b.trace.op(b.row(b.hidden), x, rows) for x in values)


def side_by_side(b: Block, x: int) -> int:
    """Parallel attention and feed-forward on the same normed rows; the latter is listed first."""
    mixed = b.entry(x)
    join = attention(b, mixed, normed=False)
    if b.asked is None:
        return b.add(b.add(feed_forward(b, mixed), x), join())
    whole = b.tokens
    y = feed_forward(b, *narrow(b, mixed))
    y = b.add(y, *narrow(b, x))
    b.tokens = whole
    joined = join()
    return b.add(y, *narrow(b, joined))


def lists(b: Block) -> bool:
    """Whether part of the graph is expanded with this block, not only when a later one needs it."""
    return b.has(EXPERTS) or bool(mixers(b))


def lists_early(b: Block) -> bool:
    """Whether a block's states are listed before the end of the preceding block."""
    if b.has("ssm_f_a"):
        return not b.has("ssm_f_b")
    return b.has("shortconv.conv") or (b.has("ssm_in") and not b.has("attn_q"))
