"""One block during tracing, with the ops that all kinds of blocks are built from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from advisor.fit.engines.llama_cpp.graph.trace import FLOAT, Trace, Weight
from advisor.fit.engines.llama_cpp.kv_cache import Cells


@dataclass(slots=True)
class Block:
    """One block during tracing.

    `width`: output width of each weight's product; `weights`: their values; `k`, `v`: its cache (or the one it reads);
    `tokens`: rows of the batch, fewer once only the requested rows are left.
    """

    trace: Trace
    facts: dict[str, Any]  # of the architecture
    width: dict[str, int]
    weights: dict[str, Weight]
    size: Cells
    tokens: int
    hidden: int
    heads: int
    query: int  # values of the query, over all heads
    value: int  # values of the attention result
    turned: bool  # RoPE on query and key
    sparse: bool  # only large gate values are kept
    inputs: dict[str, int]
    shared: dict[str, int]  # values made by one block for all
    extra: int  # values per token of per-layer embeddings, over all blocks
    home: int
    cache_home: int
    k_elements: int
    v_elements: int
    window: int | None
    flash: bool
    kernel: bool  # CUDA has a flash attention kernel for these heads
    borrowed: bool  # attends to the cache of an earlier block
    unpacked: int  # bytes of K and V dequantised beside the attention op
    conv_rows: int  # values of convolution state per slot
    left: int  # slots that share the cache and have no row in the batch
    asked: int | None = None  # requested rows, when this is the last block
    k: int = -1
    v: int = -1
    again: int = -1  # keys of MLA, read as values
    index: int = -1  # keys of the indexer
    zeros: int = -1
    state_conv: int = -1
    state_ssm: int = -1
    state_again: int = -1  # read a second time
    got: int = -1  # the convolution state, gathered
    following: Callable[[], None] | None = None  # lists the next block's states

    def has(self, name: str) -> bool:
        return name in self.width

    def row(self, floats: int) -> int:
        return FLOAT * self.tokens * floats

    def matmul(self, name: str, x: int, width: int | None = None) -> int:
        """Product with a weight, plus its bias if any."""
        made = self.width[name] if width is None else width
        y = self.trace.op(self.row(made), x, weight=self.weights[name], rows=self.tokens)
        return self.biased(name + ".bias", y, made)

    def biased(self, name: str, y: int, width: int) -> int:
        if self.has(name):
            y = self.trace.op(self.row(width), y, weight=self.weights[name], rows=self.tokens, inplace=True)
        return y

    def norm(self, name: str, x: int, width: int, *, inplace: bool = True, rows: int = 1) -> int:
        """Normed rows times the weight, plus its bias if any."""
        y = self.trace.op(self.row(width), x, inplace=inplace and not self.facts["layer_norm"])
        if self.has(name):
            y = self.trace.op(self.row(width), y, weight=self.weights[name], rows=rows * self.tokens, inplace=True)
            y = self.biased(name + ".bias", y, width)
        return y

    def entry(self, x: int) -> int:
        """The residual stream after the block's input norm."""
        return self.norm("attn_norm", x, self.hidden) if self.has("attn_norm") else x

    def add(self, *reads: int) -> int:
        return self.trace.op(self.row(self.hidden), *reads, inplace=True)

    def joined(self, part: str, y: int, stream: int) -> int:
        """Adds a sublayer's output to the residual stream; the operand named first is reused in place."""
        return self.add(stream, y) if part in self.facts["stream_first"] else self.add(y, stream)

    def seen(self, x: int, floats: int | None = None) -> int:
        """A reshape or slice of a value, which cannot be reused in place."""
        return self.trace.part(x, self.trace.size[x] if floats is None else self.row(floats))

    def expanded(self) -> None:
        """Lists the next block's early ops: from here on ggml expands the graph only when that block needs it."""
        if self.following:
            self.following()
            self.following = None

    def like(self, x: int) -> int:
        """An element-wise op that may work in place."""
        return self.trace.op(self.trace.size[x], x, inplace=True)
