"""What ggml's scheduler and allocator make of a trace: bytes of compute buffer per device and on the host.

`ggml_backend_sched_split_graph` (`ggml-backend.cpp`) and `ggml_gallocr_alloc_graph_impl` (`ggml-alloc.c`), b11434:
operations without a device take that of their neighbours, devices first; a split ends where the device changes or where
another host weight is pulled over; what a split reads from elsewhere is copied at its start, once per device.
"""

from __future__ import annotations

from collections.abc import Iterable

from advisor.fit.memory.allocator import Pool
from advisor.fit.memory.trace import Trace

ALIGNMENT = 128  # of a CUDA buffer
Split = tuple[int, int, list[int]]  # device, first operation, what is copied to it


def buffers(trace: Trace, copies: int = 1) -> list[int]:
    """Peak of each device's buffer, the host's last. `copies` of the inputs are kept when batches overlap."""
    return Allocation(Schedule(trace)).run(copies)


def astray(trace: Trace) -> bool:
    """Whether an attention operation comes to lie on another device than its block."""
    backend = assigned([device for _, _, device, _, _ in trace.operations], trace.host)
    return any(backend[i] != home for i, home in trace.attending)


class Schedule:
    """A trace whose operations all have a device, divided into splits.

    owner: device of each value; moved: (value, device) -> its copy there; root: the value in which each one lies.
    """

    __slots__ = ("backend", "inplace", "moved", "output", "owner", "pulled", "reads", "root", "size", "splits", "trace")

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        output, reads, backend, self.inplace, self.pulled = zip(*trace.operations, strict=True)
        self.output: tuple[int, ...] = output
        self.reads: list[tuple[int, ...]] = list(reads)
        self.backend: list[int] = assigned(list(backend), trace.host)
        self.size = [-(-size // ALIGNMENT) * ALIGNMENT for size in trace.size]
        self.owner = [-1] * len(self.size)
        self.root = list(range(len(self.size)))
        for value, home in trace.home.items():
            self.owner[value] = home
        for value, home in zip(output, self.backend, strict=True):
            if value >= 0:
                self.owner[value] = home
        if trace.leaves:
            readers = {value: device for read, device in zip(reads, self.backend, strict=True) for value in read}
            for value in trace.leaves:
                self.owner[value] = readers.get(value, trace.host)
        for part, whole in trace.part_of.items():
            self.owner[part] = self.owner[whole]
            self.root[part] = whole
        self.moved: dict[tuple[int, int], int] = {}
        self.splits: list[Split] = []
        self.divide()

    def divide(self) -> None:
        """Finds the splits; reads are renamed to the copies that the split's device holds."""
        host, owner, reads = self.trace.host, self.owner, self.reads
        current = -1
        inputs: list[int] = []
        for i, backend in enumerate(self.backend):
            pulled = self.pulled[i] if inputs and backend != host else ()
            if backend != current or any(owner[weight] != backend for weight in pulled):
                current, inputs = backend, []
                self.splits.append((backend, i, inputs))
            for value in reads[i]:
                if owner[value] != backend:
                    reads[i] = tuple(
                        read if owner[read] == backend else self.copied(read, backend, inputs) for read in reads[i]
                    )
                    break

    def copied(self, value: int, backend: int, inputs: list[int]) -> int:
        """The copy of a value on another device; the first split that reads it makes the copy."""
        copy = self.moved.get((value, backend), -1)
        if copy < 0:
            copy = self.moved[value, backend] = len(self.size)
            self.size.append(self.size[value])
            self.owner.append(backend)
            self.root.append(copy)
            inputs.append(value)
        return copy


def assigned(backend: list[int], host: int) -> list[int]:
    """Operations without a device take that of the one before, else of the one after; the host gives its own last."""
    start = -1
    for i, device in enumerate([*backend, host]):
        if device < 0:
            start = i if start < 0 else start
        elif start >= 0:
            before = backend[start - 1] if start else host
            after = device if i < len(backend) else host
            backend[start:i] = [before if before != host else after] * (i - start)
            start = -1
    return backend


class Allocation:
    """One run of the allocator over the operations in order; a value lives from its making to its last reader."""

    __slots__ = ("place", "pools", "schedule", "size", "users")

    def __init__(self, schedule: Schedule) -> None:
        self.schedule, trace = schedule, schedule.trace
        self.pools = [Pool() for _ in range(trace.host + 1)]
        self.size = list(schedule.size)
        for value, extra in trace.extra.items():
            if schedule.owner[value] != trace.host:
                self.size[value] += -(-extra // ALIGNMENT) * ALIGNMENT
        self.place = [-1] * len(self.size)
        self.users = [0] * len(self.size)
        self.keep(trace.pinned)
        root, users = schedule.root, self.users
        for reads in (*schedule.reads, *(inputs for _, _, inputs in schedule.splits)):
            for value in reads:
                users[root[value]] += 1

    def run(self, copies: int) -> list[int]:
        """Peaks of the pools, once everything was given its place in order."""
        schedule, place, size, moved = self.schedule, self.place, self.size, self.schedule.moved
        self.hold(schedule.trace.inputs, copies)
        self.hold(schedule.trace.leaves, 1)
        if copies > 1:  # every batch in flight has its own inputs, all through
            for backend, _, inputs in schedule.splits:
                self.hold([moved[value, backend] for value in inputs], copies)
        ends = [first for _, first, _ in schedule.splits[1:]] + [len(schedule.output)]
        for (backend, first, inputs), end in zip(schedule.splits, ends, strict=True):
            pool = self.pools[backend]
            for value in inputs:
                self.release((value,))
                copy = moved[value, backend]
                if place[copy] < 0:
                    place[copy] = pool.take(size[copy])
            for i in range(first, end):
                output, reads = schedule.output[i], schedule.reads[i]
                if output >= 0 and not (schedule.inplace[i] and self.reused(reads, output, pool)):
                    place[output] = pool.take(size[output])
                self.release(reads)
        return [pool.peak for pool in self.pools]

    def hold(self, values: list[int], copies: int) -> None:
        """Inputs take their place before all else; several of each are never given back."""
        for value in values:
            for _ in range(copies):
                self.place[value] = self.pools[self.schedule.owner[value]].take(self.size[value])
        if copies > 1:
            self.keep(values)

    def keep(self, values: Iterable[int]) -> None:
        """Values with one reader that never comes."""
        for value in values:
            self.users[value] += 1

    def reused(self, reads: tuple[int, ...], output: int, pool: Pool) -> bool:
        """Whether an operation in place takes the room of a value that it is the last to read."""
        size, place, root = self.size, self.place, self.schedule.root
        for value in reads:
            if self.users[value] == 1 and root[value] == value and place[value] >= 0 and size[value] >= size[output]:
                place[output], place[value] = place[value], -1
                if size[value] > size[output]:
                    pool.give(place[output] + size[output], size[value] - size[output])
                return True
        return False

    def release(self, values: tuple[int, ...]) -> None:
        root, users, place = self.schedule.root, self.users, self.place
        for part in values:
            value = root[part]
            users[value] -= 1
            if not users[value] and place[value] >= 0:
                self.pools[self.schedule.owner[value]].give(place[value], self.size[value])
                place[value] = -1
