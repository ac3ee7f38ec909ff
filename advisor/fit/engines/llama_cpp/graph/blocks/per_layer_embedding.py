"""Per-layer embeddings: every block adds rows of its own (`gemma3n.cpp`, `gemma4.cpp`)."""

from __future__ import annotations

from advisor.fit.engines.llama_cpp.graph.blocks.block import Block
from advisor.fit.engines.llama_cpp.graph.trace import FLOAT


def per_layer(b: Block, y: int) -> int:
    """Adds the block's per-layer embedding, gated by the stream."""
    width = b.width["inp_gate"]
    gate = b.like(b.matmul("inp_gate", y))
    if "per_layer" not in b.shared:
        b.shared["per_layer"] = all_per_layer(b)
    own = b.trace.part(b.shared["per_layer"], FLOAT * b.size.tokens * width)
    if b.asked is not None:
        own = b.trace.op(b.row(width), own, b.inputs["asked"])
    gate = b.trace.op(b.row(width), gate, own, inplace=True)
    out = b.norm("post_norm", b.matmul("proj", gate), b.hidden)
    y = b.add(y, out)
    if b.has("layer_output_scale"):
        y = b.trace.op(b.row(b.hidden), y, weight=b.weights["layer_output_scale"], rows=b.tokens, inplace=True)
    return y


def all_per_layer(b: Block) -> int:
    """All blocks' per-layer embeddings, computed in the first block and kept until the last."""
    t, size = b.trace, b.row(b.extra)
    made = b.like(t.op(size, t.op(size, b.inputs["stream"])))
    made = t.op(size, made, b.inputs["table"], inplace=True)
    return t.op(size, made)
