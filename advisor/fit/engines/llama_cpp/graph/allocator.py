"""Replica of ggml's graph allocator (`ggml-alloc.c`): best fit, and the last free block grows without limit."""

from __future__ import annotations

ENDLESS = 1 << 62


class Pool:
    """One buffer while its graph is planned. Sizes must already be multiples of the buffer's alignment.

    Zero-byte tensors are allocated too and leave zero-byte free blocks between live ones, as in the engine: they decide
    which neighbours are merged later.

    decided: hash of the outcome of every comparison; equal when the same blocks were chosen for the same reasons.
    """

    __slots__ = ("decided", "offsets", "peak", "raised", "sizes", "taken")

    def __init__(self) -> None:
        self.offsets = [0]  # of the free blocks, ascending; the last one has no end
        self.sizes = [ENDLESS]
        self.peak = 0
        self.decided = 0
        self.taken = self.raised = 0  # number of allocations, and the one that set the peak

    def take(self, size: int) -> int:
        """Offset of `size` bytes in the smallest free block that holds them; the last such block on ties."""
        sizes, offsets = self.sizes, self.offsets
        best, least = 0, ENDLESS
        for i, room in enumerate(sizes):
            if size <= room <= least:
                best, least = i, room
        offset = offsets[best]
        self.decided = hash((self.decided, best, least == size, *[size <= room for room in sizes]))
        self.taken += 1
        if least == size:
            del offsets[best], sizes[best]
        else:
            offsets[best] += size
            sizes[best] -= size
        if offset + size > self.peak:
            self.peak, self.raised = offset + size, self.taken
        return offset

    def give(self, offset: int, size: int) -> None:
        """Frees a block and merges it with the first adjacent free block, then that one with the next."""
        offsets, sizes, end = self.offsets, self.sizes, offset + size
        for i, start in enumerate(offsets):
            if start + sizes[i] == offset:
                self.decided = hash((self.decided, i, 1))
                sizes[i] += size
                if i + 1 < len(offsets) and offsets[i + 1] == end:
                    sizes[i] += sizes[i + 1]
                    del offsets[i + 1], sizes[i + 1]
                return
            if start == end:
                self.decided = hash((self.decided, i, 2))
                offsets[i] = offset
                sizes[i] += size
                if i and offsets[i - 1] + sizes[i - 1] == offset:
                    sizes[i - 1] += sizes[i]
                    del offsets[i], sizes[i]
                return
            if start > offset:
                self.decided = hash((self.decided, i, 3))
                offsets.insert(i, offset)
                sizes.insert(i, size)
                return
