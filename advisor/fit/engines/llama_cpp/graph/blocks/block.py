"""One block of a graph while it is traced, and the operations that all kinds of blocks are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from advisor.fit.engines.llama_cpp.graph.trace import FLOAT, Trace, Weight
from advisor.fit.engines.llama_cpp.kv_cache import Cells


@dataclass(slots=True)
class Block:
    """One block while it is traced.

    `width`: rows that each weight's product has; `weights`: their values; `k`, `v`: its cache (or the one it reads);
    `tokens`: rows of the batch, fewer once only the rows that are asked for are left.
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
    value: int  # and of what attention hands on
    turned: bool  # query and key by position
    sparse: bool  # only large values of the gate go on
    inputs: dict[str, int]
    shared: dict[str, int]  # values that one block makes for all
    extra: int  # values per token of every block's own embedding, over all blocks
    home: int
    cache_home: int
    k_elements: int
    v_elements: int
    window: int | None
    flash: bool
    kernel: bool  # devices have one for flash attention of these heads
    borrowed: bool  # attends to the cache of a block before it
    unpacked: int  # bytes of K and V expanded beside the attention operation
    conv_rows: int  # values of the convolution's state per slot
    left: int  # slots that share the cache and have no row in the batch
    asked: int | None = None  # rows that are asked for, when this is the last block
    k: int = -1
    v: int = -1
    again: int = -1  # keys of latent attention, read as values
    index: int = -1  # keys of the index that chooses cells
    zeros: int = -1
    state_conv: int = -1
    state_ssm: int = -1
    state_again: int = -1  # read a second time
    got: int = -1  # the convolution's state, gathered
    following: Callable[[], None] | None = None  # lists the next block's states

    def has(self, name: str) -> bool:
        return name in self.width

    def row(self, floats: int) -> int:
        return FLOAT * self.tokens * floats

    def matmul(self, name: str, x: int, width: int | None = None) -> int:
        """Product with a weight, and its bias where there is one."""
        made = self.width[name] if width is None else width
        y = self.trace.op(self.row(made), x, weight=self.weights[name], rows=self.tokens)
        return self.biased(name + ".bias", y, made)

    def biased(self, name: str, y: int, width: int) -> int:
        if self.has(name):
            y = self.trace.op(self.row(width), y, weight=self.weights[name], rows=self.tokens, inplace=True)
        return y

    def norm(self, name: str, x: int, width: int, *, inplace: bool = True, rows: int = 1) -> int:
        """Normed rows times their weight, and its bias."""
        y = self.trace.op(self.row(width), x, inplace=inplace and not self.facts["layer_norm"])
        if self.has(name):
            y = self.trace.op(self.row(width), y, weight=self.weights[name], rows=rows * self.tokens, inplace=True)
            y = self.biased(name + ".bias", y, width)
        return y

    def entry(self, x: int) -> int:
        """The stream as the block's mixer reads it."""
        return self.norm("attn_norm", x, self.hidden) if self.has("attn_norm") else x

    def add(self, *reads: int) -> int:
        return self.trace.op(self.row(self.hidden), *reads, inplace=True)

    def joined(self, part: str, y: int, stream: int) -> int:
        """What a part made, added to the stream; in some graphs the stream is named first and gives its room."""
        return self.add(stream, y) if part in self.facts["stream_first"] else self.add(y, stream)

    def seen(self, x: int, floats: int | None = None) -> int:
        """Another shape or a part of a value, which gives no room to an operation in place."""
        return self.trace.part(x, self.trace.size[x] if floats is None else self.row(floats))

    def expanded(self) -> None:
        """From here on the graph is listed only when the next block needs it: what that block lists early comes now."""
        if self.following:
            self.following()
            self.following = None

    def like(self, x: int) -> int:
        """An element-wise operation that may work in place."""
        return self.trace.op(self.trace.size[x], x, inplace=True)
