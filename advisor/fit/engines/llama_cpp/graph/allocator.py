"""How ggml's graph allocator hands out addresses (`ggml-alloc.c`): best fit, and the last free block grows."""

from __future__ import annotations

ENDLESS = 1 << 62


class Pool:
    """One buffer while its graph is planned. Sizes are multiples of the buffer's alignment already.

    Tensors of no bytes take a place too, and leave a free block of no bytes between what is in use, as in the engine:
    it decides which neighbours are joined later.

    decided: a number for how all comparisons came out, equal where the same blocks were chosen for the same reasons.
    """

    __slots__ = ("decided", "offsets", "peak", "raised", "sizes", "taken")

    def __init__(self) -> None:
        self.offsets = [0]  # of the free blocks, ascending; the last one has no end
        self.sizes = [ENDLESS]
        self.peak = 0
        self.decided = 0
        self.taken = self.raised = 0  # how many were taken, and which of them made the peak

    def take(self, size: int) -> int:
        """Offset of `size` bytes: in the smallest free block that holds them, of equal ones the last."""
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
        """Frees a block and joins it with the first free neighbour, and that one with the next."""
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
