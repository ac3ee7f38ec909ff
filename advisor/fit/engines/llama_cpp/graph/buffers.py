"""Compute buffers of split graphs: the build's blocks are traced, scheduled and allocated.

Blocks repeat, and the allocator settles into a cycle after a few periods. So only the first and last periods of a run
of equal blocks are traced, and a layout that was planned once is memoised. Quantization mixes give some blocks larger
weights than others of their kind; a rough plan uses the largest for all of them, which gives longer runs.
"""

from __future__ import annotations

import marshal
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from advisor.fit.build import BuildSizes, LayerSizes
from advisor.fit.engines.llama_cpp.graph.interpolate import GraphProgram
from advisor.fit.engines.llama_cpp.graph.run import Run, homes
from advisor.fit.engines.llama_cpp.graph.schedule import Schedule, astray
from advisor.fit.engines.llama_cpp.graph.unroll import Incomplete, last, unroll
from advisor.fit.engines.llama_cpp.kv_cache import CELL_STEP
from advisor.fit.layer_groups import distinct, kinds
from advisor.fit.memo import Memo

COPIES = 4  # GGML_SCHED_MAX_COPIES: batches in flight under pipeline parallelism
PERIODS, LONGEST = 3, 8  # periods kept of a run of equal periods, and the maximum blocks per period

# Everything of a block that the buffers depend on: its device, whether its experts stay on the host, the block whose
# cache it reads (-2: rows of its own are added), its kind, cache and states, and the weights that are copied; weights
# on its own device take no room.
Symbol = tuple[int, bool, int, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Layout:
    """A 16-byte hash of everything the buffers depend on except the context, and the trace inputs to compute them.

    Equal names have equal buffers at the same context, and no size changes slope between two contexts.
    """

    name: bytes
    run: Run
    kept: list[int]
    copies: int


_programs: Memo[GraphProgram] = Memo(8192)  # by layout name
_astray: Memo[bool] = Memo(8192)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run's program. When only the masks grow with context, also the least context from which that holds."""

    program: GraphProgram
    least: int | None
    growth: tuple[int, ...]  # bytes per cell beyond the least, per device, the host's last


_prepared: Memo[Prepared] = Memo(1024)  # short cut that avoids hashing the layout


def compute_buffers(run: Run) -> list[int]:
    """Compute buffer bytes per device, the host's last."""
    known, cells = prepared(run), run.size.full
    if known.least is None:
        return list(known.program.at(cells, lambda: traced(run)))
    least = known.least
    found = known.program.at(least, lambda: traced(run._replace(size=run.size._replace(full=least))))
    return [work + (cells - least) * more for work, more in zip(found, known.growth, strict=True)]


def prepared(run: Run) -> Prepared:
    """The program shared by all runs that differ only in context and lie on the same side of every window bound."""
    s, size = run.settings, run.size
    asked = (s.devices, s.kv_type_k, s.kv_type_v, s.kv_offload, s.experts_on_cpu, s.override, s.embedding)
    batch = size[1:]  # everything but the context
    key = (run.where, batch, bends(run), run.flash, run.rows, run.rough, *asked)

    def prepare() -> Prepared:
        of = layout(run)
        return Prepared(_programs.get(None, of.name, lambda: GraphProgram(of.copies)), *_growing(run, of.copies))

    return _prepared.get(run.sizes, key, prepare)


def _growing(run: Run, copies: int) -> tuple[int | None, tuple[int, ...]]:
    """The shortest context with the same windows, beyond which only masks grow, and their growth in bytes per cell.

    Masks are allocated first and live until the last block. (None, ()) elsewhere: where experts are copied, a mask that
    is first read after them is placed wherever it fits, not before everything else.
    """
    settings, size, where, layers = run.settings, run.size, run.where, run.sizes.layers
    apart = where.bounds[0] > 0 or where.output is None or not settings.kv_offload
    expanded = {settings.kv_type_k, settings.kv_type_v} != {"f16"}
    other = (settings.devices and (apart or expanded)) or not run.flash or run.rows == size.ubatch
    windows = {layer.window for layer in distinct(layers) if layer.k_elements}
    least = max((size.of(w) for w in windows if w is not None), default=0) + CELL_STEP
    lent = settings.devices > 1 and run.sizes.graph["borrows"]  # a cache read by another device is copied
    sparse = run.sizes.graph["facts"]["top_k"] > 0  # the indexer scores every cell
    if other or lent or sparse or size.swa_full or size.full < least:
        return None, ()
    firsts = [layers[il] for il in where.bounds[:-1] if il < len(layers)]
    if settings.devices and where.experts and any(layer.window or not layer.k_elements for layer in firsts):
        return None, ()
    attends = {
        home
        for home, first, end in homes(where, len(layers))
        if any(layer.k_elements and layer.window is None for layer, _ in kinds(layers).between(first, end))
    }
    masks, host = copies * 2 * size.tokens, settings.devices
    return least, tuple(masks * (d in attends or (d == host and bool(attends))) for d in range(host + 1))


def _overlaps(run: Run) -> bool:
    """Whether batches overlap (pipeline parallelism): all blocks on several devices, and no tensor overridden."""
    settings, where = run.settings, run.where
    whole = where.bounds[0] == 0 and where.output is not None and settings.kv_offload
    return settings.devices > 1 and whole and not (settings.experts_on_cpu or settings.override)


def traced(run: Run) -> Schedule:
    of = layout(run)
    return Schedule(unroll(of.run, of.kept))


def strays(run: Run) -> bool:
    """Whether attention is scheduled apart from its block at one token per slot: "auto" then means no flash
    attention.
    """
    of = layout(run._replace(size=run.size._replace(ubatch=run.size.slots), rows=run.size.slots))

    def goes_astray() -> bool:
        try:
            return astray(unroll(of.run, of.kept))
        except Incomplete:
            return True  # without flash attention more memory is needed

    return _astray.get(None, of.name, goes_astray)


def layout(run: Run) -> Layout:
    host = run.settings.devices
    copied = run.where.experts if host else 0  # blocks before this one have weights that lie elsewhere
    bent = bends(run)
    run = run._replace(sizes=alike(run)) if copied and run.rough else run
    sizes, settings, where = run.sizes, run.settings, run.where
    borrows, stacked = dict(sizes.graph["borrows"]), sizes.graph["facts"]["stacked"]
    symbols: list[Symbol] = []
    for home, first, end in homes(where, last(sizes) + 1):
        for apart, start, stop in ((True, first, min(copied, end)), (False, max(copied, first), end)):
            known: dict[int, tuple[Any, ...]] = {}  # equal blocks are one object
            for il in range(start, stop):
                layer = sizes.layers[il]
                traits = known.get(id(layer))
                if traits is None:
                    traits = known[id(layer)] = _traits(layer, apart and home == host, apart)
                symbols.append((home, apart, borrows.get(il, -2 if il < stacked else -1), traits))
    # When blocks read other blocks' caches, no run is regular enough to skip its middle.
    traced = list(range(len(symbols))) if borrows and not run.rough else shortened(symbols)
    copies = COPIES if _overlaps(run) else 1
    content = (
        *(sizes.graph["key"], sizes.hidden, sizes.n_vocab, sizes.output_device),
        tuple(symbols[il] for il in traced),
        *(host, where.output, tuple(run.size._replace(full=0)), bent),
        *(settings.kv_type_k, settings.kv_type_v, settings.kv_offload),
        *(run.flash, run.rows, copies, settings.embedding, sizes.graph["extra"], sizes.graph["factors"]),
        len(symbols) if sizes.graph["facts"]["top_k"] else 0,  # untraced blocks have zeros too
    )
    # marshal version 2 has no references, so equal values serialise equally whoever else holds them.
    return Layout(blake2b(marshal.dumps(content, 2), digest_size=16).digest(), run, traced, copies)


def bends(run: Run) -> tuple[bool, ...]:
    """For each window, and for the indexer's top-k, whether the cache has outgrown it."""
    size = run.size
    windows = sorted({layer.window for layer in distinct(run.sizes.layers) if layer.window is not None})
    return *(size.of(window) < size.full for window in windows), size.full > run.sizes.graph["facts"]["top_k"]


def alike(run: Run) -> BuildSizes:
    """Sizes in which copied blocks of one kind all have the largest weights of that kind."""
    layers, where = run.sizes.layers, run.where
    made: list[LayerSizes] = []
    for _, first, end in homes(where, where.experts):
        largest: dict[tuple[Any, ...], LayerSizes] = {}
        kind_of: dict[int, tuple[Any, ...]] = {}
        for layer in layers[first:end]:
            if id(layer) in kind_of:
                continue
            kind = kind_of[id(layer)] = (layer.block, len(layer.matrices), layer.moved, _kept(layer))
            seen = largest.setdefault(kind, layer)
            if seen is not layer and seen.matrices != layer.matrices:
                largest[kind] = replace(seen, matrices=tuple(map(max, seen.matrices, layer.matrices)))
        made += [largest[kind_of[id(layer)]] for layer in layers[first:end]]
    return replace(run.sizes, layers=(*made, *layers[where.experts :]))


def _traits(layer: LayerSizes, on_host: bool, apart: bool) -> tuple[Any, ...]:
    copied = layer.matrices if on_host else tuple(layer.matrices[i] for i in layer.moved) if apart else ()
    return layer.block, copied, layer.moved if apart else (), _kept(layer)


def _kept(layer: LayerSizes) -> tuple[Any, ...]:
    return layer.k_elements, layer.v_elements, layer.window, layer.state_conv, layer.state_ssm


def shortened(symbols: list[Symbol]) -> list[int]:
    """Blocks to trace: of each run of more than PERIODS equal periods, the first two periods and the last."""
    names: dict[Symbol, int] = {}
    row = [names.setdefault(symbol, len(names)) for symbol in symbols]
    kept: list[int] = []
    i = 0
    while i < len(row):
        length, period = _repeated(row, i)
        if length:
            kept += [*range(i, i + period * (PERIODS - 1)), *range(i + length - period, i + length)]
        else:
            kept.append(i)
        i += max(length, 1)
    if row and kept[-1] != len(row) - 1:
        kept.append(len(row) - 1)
    return kept


def _repeated(row: list[int], i: int) -> tuple[int, int]:
    """Length and period of the longest run of equal periods that starts at i; (0, 0) when there is none."""
    best = (0, 0)
    for period in range(1, min(LONGEST, (len(row) - i) // 2) + 1):
        first, count = row[i : i + period], 1
        while row[i + count * period : i + (count + 1) * period] == first:
            count += 1
        if count > PERIODS and count * period > best[0]:
            best = (count * period, period)
    return best
