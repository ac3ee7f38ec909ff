"""A graph as the scheduler sees it: ops in order, what each reads and writes, and where its weights lie."""

from __future__ import annotations

from dataclasses import dataclass

FLOAT = 4
INTEGER, INDEX = 4, 8  # bytes of a position, and of a row index into the cache
OFFLOADED_ROWS = 32  # ggml-cuda.cu: batches of this many rows copy host weights over (GGML_OP_OFFLOAD_MIN_BATCH)


@dataclass(slots=True)
class Weight:
    """A weight and its device; it becomes a value of the trace only where it is copied."""

    size: int
    home: int
    value: int = -1


Operation = tuple[int, tuple[int, ...], int, bool, tuple[int, ...]]


class Trace:
    """Ops of one micro-batch over numbered values; the host's device number follows the last device's.

    * size: bytes of each value.
    * home: device of values that exist before the graph runs; ops compute the others.
    * part_of: the value that a view lies in.
    * inputs: values that the caller fills before each run, on the host.
    * leaves: values that no op makes; they are allocated at the start, on the device that reads them.
    * extra: scratch bytes that a device's kernel needs beside a value.
    * pinned: values that are never freed.
    * operations: value made (-1: writes into existing memory), values read, required device (-1: the scheduler
      decides), whether it may work in place, and which of its reads are weights on another device.
    * attending: flash attention ops, each with the device of its block.
    """

    __slots__ = ("attending", "extra", "home", "host", "inputs", "leaves", "operations", "part_of", "pinned", "size")

    def __init__(self, host: int) -> None:
        self.host = host
        self.size: list[int] = []
        self.home: dict[int, int] = {}
        self.part_of: dict[int, int] = {}
        self.inputs: list[int] = []
        self.leaves: list[int] = []
        self.extra: dict[int, int] = {}
        self.pinned: set[int] = set()
        self.operations: list[Operation] = []
        self.attending: list[tuple[int, int]] = []

    def value(self, size: int, home: int) -> int:
        """A value that already exists in memory, such as a cache."""
        self.size.append(size)
        self.home[len(self.size) - 1] = home
        return len(self.size) - 1

    def part(self, of: int, size: int) -> int:
        """A view of a value: lies in its memory, but only `size` bytes are copied to another device."""
        self.size.append(size)
        self.part_of[len(self.size) - 1] = self.part_of.get(of, of)
        return len(self.size) - 1

    def given(self, size: int) -> int:
        """A graph input, such as a mask."""
        self.inputs.append(self.value(size, self.host))
        return self.inputs[-1]

    def leaf(self, size: int) -> int:
        """A value filled in place, such as zeros."""
        self.size.append(size)
        self.leaves.append(len(self.size) - 1)
        return self.leaves[-1]

    def op(
        self,
        size: int,
        *reads: int,
        weight: Weight | None = None,
        beside: int = -1,
        at: int = -1,
        rows: int = 0,
        inplace: bool = False,
        writes: bool = False,
    ) -> int:
        """Appends one op and returns its value, -1 for a write.

        Args:
            size: bytes of its result.
            reads: values, in the engine's order; an in-place op reuses the memory of the first that fits.
            weight: assigns the op to the weight's device.
            beside: a small weight that does not, such as rotary factors.
            at: the device that must run it.
            rows: batch rows, which decide whether a host weight is copied over.
            inplace: whether it may work in place: its kind can (`ggml_op_can_inplace`) and the shapes agree.
            writes: writes into existing memory, such as a cache; makes no value.
        """
        pulled: tuple[int, ...] = ()
        if weight:
            if at < 0:
                at = 0 if weight.home == self.host and rows >= OFFLOADED_ROWS else weight.home
            if weight.home != at:
                pulled = (self.copied(weight),)
                reads = reads + pulled if inplace else pulled + reads
        if beside >= 0:
            pulled += (beside,)
            reads += (beside,)
        made = -1
        if not writes:
            made = len(self.size)
            self.size.append(size)
        self.operations.append((made, reads, at, inplace, pulled))
        return made

    def copied(self, weight: Weight) -> int:
        """The weight as a value of the trace."""
        if weight.value < 0:
            weight.value = self.value(weight.size, weight.home)
        return weight.value
