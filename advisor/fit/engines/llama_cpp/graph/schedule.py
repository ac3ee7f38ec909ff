"""Replica of ggml's backend scheduler (`ggml_backend_sched_split_graph`, `ggml-backend.cpp`, b11434).

Ops without a device take that of their neighbours, devices first. A split ends where the device changes or where
another host weight is copied over. Values that a split reads from elsewhere are copied at its start, once per device.
"""

from __future__ import annotations

from advisor.fit.engines.llama_cpp.graph.trace import Trace

ALIGNMENT = 128  # of a CUDA buffer
Split = tuple[int, int, list[int]]  # device, first op, values copied to it


def astray(trace: Trace) -> bool:
    """Whether an attention op is assigned to another device than its block."""
    backend = assigned([device for _, _, device, _, _ in trace.operations], trace.host)
    return any(backend[i] != home for i, home in trace.attending)


class Schedule:
    """A trace whose ops are all assigned to a device, divided into splits.

    owner: device of each value; moved: (value, device) -> its copy there; root: the value that each view lies in.
    """

    __slots__ = ("backend", "inplace", "moved", "output", "owner", "pulled", "reads", "root", "size", "splits", "trace")

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        output, reads, backend, self.inplace, self.pulled = zip(*trace.operations, strict=True)
        self.output: tuple[int, ...] = output
        self.reads: list[tuple[int, ...]] = list(reads)
        self.backend: list[int] = assigned(list(backend), trace.host)
        self.size = list(trace.size)
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
        """Finds the splits and redirects reads to the copies on the split's device."""
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
        """The copy of a value on another device, created by the first split that reads it."""
        copy = self.moved.get((value, backend), -1)
        if copy < 0:
            copy = self.moved[value, backend] = len(self.size)
            self.size.append(self.size[value])
            self.owner.append(backend)
            self.root.append(copy)
            inputs.append(value)
        return copy

    def allocated(self) -> list[int]:
        """Aligned bytes of each value, including its device kernel's scratch space."""
        size = [-(-size // ALIGNMENT) * ALIGNMENT for size in self.size]
        for value, extra in self.trace.extra.items():
            if self.owner[value] != self.trace.host:
                size[value] += -(-extra // ALIGNMENT) * ALIGNMENT
        return size


def assigned(backend: list[int], host: int) -> list[int]:
    """Gives ops without a device that of the op before, else of the op after; the host's only when both are on it."""
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
