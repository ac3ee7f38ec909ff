"""The sequence of allocations and frees of one layout, with sizes interpolated over context.

The ops and their readers do not depend on the context, within the bounds that belong to the layout (windows, cells
chosen by an indexer). Only sizes do, and each is linear. So a layout is traced at two contexts, and any other context
is a run of the allocator (`ggml_gallocr_alloc_graph_impl`, ggml-alloc.c) over interpolated sizes. Between two contexts
at which all comparisons came out equal not even that is needed: a difference of two linear functions with one sign at
both ends keeps that sign in between, so the same blocks are chosen and the peak is linear too.
"""

from __future__ import annotations

import marshal
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from advisor.fit.engines.llama_cpp.graph.allocator import Pool
from advisor.fit.engines.llama_cpp.graph.schedule import Schedule

# Pool, value allocated there (-1: none), values whose memory it may reuse in place, values freed afterwards.
Step = tuple[int, int, tuple[int, ...], tuple[int, ...]]
Allocated = tuple[tuple[int, ...], int]  # peak of each pool, the host's last, and a hash of the decisions
CONTEXTS = 64  # memoised per layout

_lock = Lock()  # threads of a web process share the programs, and an update takes several steps


class GraphProgram:
    """Buffers of one layout as a function of KV cache cells."""

    __slots__ = ("cells", "copies", "found", "packed", "pools", "sizes")

    def __init__(self, copies: int) -> None:
        self.copies = copies
        self.packed = b""  # steps and owners
        self.pools = 0
        self.sizes: list[tuple[int, bytes]] = []  # sizes of all values, packed, at the first two contexts
        self.cells: list[int] = []  # ascending
        self.found: list[Allocated] = []

    def at(self, cells: int, schedule: Callable[[], Schedule]) -> tuple[int, ...]:
        """Bytes per device, the host's last, with `cells` cells of cache."""
        with _lock:
            return self._at(cells, schedule)

    def _at(self, cells: int, schedule: Callable[[], Schedule]) -> tuple[int, ...]:
        i = bisect_left(self.cells, cells)
        if i < len(self.cells) and self.cells[i] == cells:
            return self.found[i][0]
        if 0 < i < len(self.cells):
            (low, decided), (high, other) = self.found[i - 1], self.found[i]
            if decided == other:
                return tuple(between(self.cells[i - 1], low, self.cells[i], high, cells))
        made = self._allocated(cells, schedule)
        if len(self.cells) >= CONTEXTS:
            self.cells.clear()
            self.found.clear()
            i = 0
        self.cells.insert(i, cells)
        self.found.insert(i, made)
        return made[0]

    def _allocated(self, cells: int, schedule: Callable[[], Schedule]) -> Allocated:
        if len(self.sizes) < 2:
            traced = schedule()
            size = traced.allocated()
            if not self.sizes:
                self.pools = traced.trace.host + 1
                self.packed = pack((steps(traced, self.copies), traced.owner))
            self.sizes.append((cells, pack(size)))
        else:
            (low, lows), (high, highs) = self.sizes
            size = between(low, unpack(lows), high, unpack(highs), cells)
        order, owner = unpack(self.packed)
        return allocate(self.pools, order, owner, size)


def pack(content: Any) -> bytes:
    """Compressed bytes: a few kilobytes where the objects take a hundred; a process meets thousands of layouts."""
    return zlib.compress(marshal.dumps(content), 1)


def unpack(packed: bytes) -> Any:
    return marshal.loads(zlib.decompress(packed))  # noqa: S302  our own, from this process


def between(low: int, lows: Iterable[int], high: int, highs: Iterable[int], at: int) -> list[int]:
    """Linear interpolation between two points, per value."""
    done, whole = at - low, high - low
    return [a + (b - a) * done // whole for a, b in zip(lows, highs, strict=True)]


def steps(schedule: Schedule, copies: int) -> list[Step]:
    """Allocations and frees in order; a value lives from its op to its last reader.

    With `copies` above one, batches overlap: that many copies of each input are kept throughout.
    """
    trace, root, moved = schedule.trace, schedule.root, schedule.moved
    users = [0] * len(schedule.owner)
    made: list[Step] = []

    def hold(values: Iterable[int], copies: int) -> None:
        for value in values:
            made.extend([(schedule.owner[value], value, (), ())] * copies)
            users[value] += copies > 1  # an extra reader, so that it is never freed

    def read(values: Iterable[int]) -> tuple[int, ...]:
        """The values whose last reader this was."""
        done = []
        for part in values:
            value = root[part]
            users[value] -= 1
            if not users[value] and value in placed:
                done.append(value)
        return tuple(done)

    for value in trace.pinned:
        users[value] += 1
    for reads in (*schedule.reads, *(inputs for _, _, inputs in schedule.splits)):
        for value in reads:
            users[root[value]] += 1
    placed = {*trace.inputs, *trace.leaves, *moved.values(), *schedule.output}
    hold(trace.inputs, copies)
    hold(trace.leaves, 1)
    if copies > 1:
        for backend, _, inputs in schedule.splits:
            hold([moved[value, backend] for value in inputs], copies)
    ends = [first for _, first, _ in schedule.splits[1:]] + [len(schedule.output)]
    for (backend, first, inputs), end in zip(schedule.splits, ends, strict=True):
        for value in inputs:
            made.append((backend, -1, (), read((value,))))
            if copies == 1:
                made.append((backend, moved[value, backend], (), ()))
        for i in range(first, end):
            output, reads = schedule.output[i], schedule.reads[i]
            last: tuple[int, ...] = ()
            if output >= 0 and schedule.inplace[i]:
                last = tuple(v for v in reads if users[v] == 1 and root[v] == v and v in placed)
            made.append((backend, output, last, read(reads)))
    return [step for step in made if step[1] >= 0 or step[3]]


def allocate(pools: int, order: list[Step], owner: list[int], size: list[int]) -> Allocated:
    """Runs the allocator: best fit per pool; in place when an op is the last reader of a value that is large enough."""
    pool = [Pool() for _ in range(pools)]
    place = [-1] * len(size)
    lent: list[int] = []  # in-place reuse decisions, for the hash
    for where, made, last, done in order:
        if made >= 0:
            need = size[made]
            for value in last:
                if place[value] >= 0 and size[value] >= need:
                    place[made], place[value] = place[value], -1
                    lent += (made, value, size[value] > need)
                    if size[value] > need:
                        pool[where].give(place[made] + need, size[value] - need)
                    break
            else:
                place[made] = pool[where].take(need)
        for value in done:
            if place[value] >= 0:
                pool[owner[value]].give(place[value], size[value])
                place[value] = -1
    return tuple(p.peak for p in pool), hash((tuple(lent), *((p.decided, p.raised) for p in pool)))
