"""AltUp and Laurel blocks (`gemma3n.cpp`): several streams, one of which is computed and corrects the others."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.fit.engines.llama_cpp.graph.blocks.attention import attention
from advisor.fit.engines.llama_cpp.graph.blocks.block import Block
from advisor.fit.engines.llama_cpp.graph.blocks.per_layer_embedding import all_per_layer
from advisor.fit.engines.llama_cpp.graph.trace import FLOAT, Trace, Weight


def altup(b: Block, streams: int) -> int:
    """All streams after a block."""
    t, d, n = b.trace, b.row(b.hidden), b.width["altup_router"]
    predicted = predictions(b, streams)
    active = b.seen(predicted, b.hidden)
    normed = b.norm("attn_norm", active, b.hidden, inplace=False)
    mixed = b.norm("post_attention_norm", attention(b, normed, normed=False)(), b.hidden)
    mixed = t.op(d, mixed, active, inplace=True)
    laurel = b.norm("laurel_post_norm", b.matmul("laurel_r", b.matmul("laurel_l", normed)), b.hidden)
    mixed = b.like(t.op(d, mixed, t.op(d, laurel, normed, inplace=True), inplace=True))
    out = b.norm("post_ffw_norm", sparse_feed(b, b.norm("ffn_norm", mixed, b.hidden)), b.hidden)
    out = t.op(d, out, mixed, inplace=True)
    new = t.op(n * d, t.op(d, out, active))
    share = t.op(b.row(n), b.like(b.matmul("altup_correct_coef", shares(b, out, inplace=True))))
    corrected = t.op(n * d, t.op(n * d, new, share, inplace=True), predicted, inplace=True)
    first = b.seen(corrected, b.hidden)
    gate = t.op(d, first, weight=b.weights["altup_correct_scale"], rows=b.tokens)
    gate = b.like(b.matmul("inp_gate", gate))
    if "per_layer" not in b.shared:
        b.shared["per_layer"] = all_per_layer(b)
    own = b.seen(b.shared["per_layer"], b.width["inp_gate"])
    gate = t.op(b.row(b.width["inp_gate"]), gate, own, inplace=True)
    out = b.norm("post_norm", b.matmul("proj", gate), b.hidden)
    others = t.op((n - 1) * d, b.seen(corrected, (n - 1) * b.hidden), out)
    return t.op(n * d, first, others)


def predictions(b: Block, streams: int) -> int:
    """Predicted streams, from all current ones."""
    t, size = b.trace, b.row(b.width["altup_router"] * b.hidden)
    turned = t.op(size, streams)
    share = b.matmul("altup_predict_coef", shares(b, b.seen(streams, b.hidden), inplace=False))
    return t.op(size, t.op(size, t.op(size, turned, share)), streams, inplace=True)


def shares(b: Block, x: int, *, inplace: bool) -> int:
    """Router weights of the streams."""
    return b.like(b.matmul("altup_router", b.like(b.norm("altup_router_norm", x, b.hidden, inplace=inplace))))


def sparse_feed(b: Block, x: int) -> int:
    """Gated feed-forward; sparse blocks keep only gate values far above the mean."""
    t = b.trace
    up, gate = b.matmul("ffn_up", x), b.matmul("ffn_gate", x)
    if b.sparse:
        size = t.size[gate]
        mean = t.op(b.row(1), gate)
        spread = t.op(b.row(1), b.like(t.op(size, gate, mean)))
        gate = t.op(size, gate, t.op(b.row(1), mean, spread, inplace=True), inplace=True)
    return b.matmul("ffn_down", t.op(t.size[up], up, b.like(gate), inplace=True), b.hidden)


@dataclass(frozen=True, slots=True)
class Streams:
    """`count` streams of `tokens` rows of `row` bytes. `weight` projects the first to the others, or back."""

    trace: Trace
    count: int
    row: int
    tokens: int
    weight: Weight

    def size(self, streams: int) -> int:
        return streams * self.row * self.tokens

    def stacked(self, x: int) -> int:
        """The embedding and its projections for the other streams."""
        t, rest = self.trace, self.size(self.count - 1)
        made = t.op(rest, t.op(rest, x), weight=self.weight, rows=self.tokens)
        return t.op(self.size(self.count), x, self.scaled(made, x))

    def merged(self, x: int) -> int:
        """The mean of all streams."""
        t, rest = self.trace, self.size(self.count - 1)
        y = t.part(x, self.size(1))
        made = self.scaled(t.op(rest, t.part(x, rest), weight=self.weight, rows=self.tokens), y)
        for _ in range(self.count - 1):
            y = t.op(self.size(1), y, t.part(made, self.size(1)), inplace=True)
        return y

    def scaled(self, made: int, like: int) -> int:
        """Rescales the projected streams to the magnitude of the first."""
        t, rest, sums = self.trace, self.size(self.count - 1), FLOAT * self.tokens
        wanted = t.op(sums, t.op(self.size(1), like, inplace=True))
        out = t.op(rest, made, wanted, inplace=True)
        present = t.op((self.count - 1) * sums, t.op(rest, made, inplace=True))
        return t.op(rest, out, present, inplace=True)
