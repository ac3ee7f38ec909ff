"""A graph as the scheduler sees it: operations in order, what each reads and writes, and where its weights lie."""

from __future__ import annotations

from dataclasses import dataclass

FLOAT = 4
INTEGER, INDEX = 4, 8  # bytes of a position, and of a row's place in the cache
OFFLOADED_ROWS = 32  # ggml-cuda.cu: batches of so many rows pull host weights over (GGML_OP_OFFLOAD_MIN_BATCH)


@dataclass(slots=True)
class Weight:
    """A weight and where it lies; it becomes a value of the trace only where it is copied."""

    size: int
    home: int
    value: int = -1


Operation = tuple[int, tuple[int, ...], int, bool, tuple[int, ...]]


class Trace:
    """Operations of one micro-batch over values that are known by their numbers; the host is the device after the last.

    size: bytes of each value. home: device of the values that lie in memory before the graph; operations compute the
    others. part_of: the value in which another one lies. inputs: values that the caller fills before each run, on the
    host. leaves: values that no operation makes; they have their place from the start, on the device that reads them.
    extra: bytes that a device's kernel needs beside a value. pinned: values that are never given back.
    operations: what each makes (-1: it writes into memory that exists), what it reads, the device that must run it
    (-1: the scheduler decides), whether it may work in place, and which of its reads are weights that lie elsewhere.
    attending: operations that are flash attention, each with the device of its block.
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
        """What lies in memory already, such as a cache."""
        self.size.append(size)
        self.home[len(self.size) - 1] = home
        return len(self.size) - 1

    def part(self, of: int, size: int) -> int:
        """A view of a value: lies where that lies, but only `size` bytes of it are copied elsewhere."""
        self.size.append(size)
        self.part_of[len(self.size) - 1] = self.part_of.get(of, of)
        return len(self.size) - 1

    def given(self, size: int) -> int:
        """An input of the graph, such as a mask."""
        self.inputs.append(self.value(size, self.host))
        return self.inputs[-1]

    def leaf(self, size: int) -> int:
        """What is filled where it lies, such as zeros."""
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
        """One operation.

        Args:
            size: bytes of what it makes.
            reads: values, in the engine's order; the first that fits gives its room to an operation in place.
            weight: draws the operation to where it lies.
            beside: a small weight that does not, such as rotary factors.
            at: the device that must run it.
            rows: of the batch, for the decision to pull a host weight over.
            inplace: whether it may work in place: its kind can (`ggml_op_can_inplace`) and the shapes agree.
            writes: into existing memory, such as a cache; nothing new is made.
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
        """The weight as a value."""
        if weight.value < 0:
            weight.value = self.value(weight.size, weight.home)
        return weight.value
