"""Compute buffers of graphs whose parts lie apart: the blocks of a build traced, scheduled and allocated.

Blocks repeat, and so does what the allocator makes of them: after a few periods nothing new happens. So only the first
and last periods of a row of equal blocks are traced, and a layout that was planned once is remembered. Quantization
mixes give some blocks larger weights than their likes; a rough plan takes the largest for all, and finds longer rows.
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

COPIES = 4  # GGML_SCHED_MAX_COPIES: batches in flight when devices work one after the other
PERIODS, LONGEST = 3, 8  # what is kept of a row of equal periods, and how many blocks a period may have

# What a block's part of the buffers depends on: its device, whether its experts stay on the host, the block it borrows
# from (-2: rows of its own are added), its kind, cache and states, and the weights that are copied; those that lie on
# its device take no room.
Symbol = tuple[int, bool, int, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the buffers depend on but for the context, in sixteen bytes, and how to find them.

    Equal names have equal buffers at the same context, and no value of theirs bends between two contexts.
    """

    name: bytes
    run: Run
    kept: list[int]
    copies: int


_programs: Memo[GraphProgram] = Memo(8192)  # by the layout's name
_astray: Memo[bool] = Memo(8192)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run's program; where only masks grow with the context, also the least context of which that is so."""

    program: GraphProgram
    least: int | None
    growth: tuple[int, ...]  # bytes per cell beyond the least, by device, the host's last


_prepared: Memo[Prepared] = Memo(1024)  # without the way over the layout's name


def compute_buffers(run: Run) -> list[int]:
    """Bytes per device, the host's last."""
    known, cells = prepared(run), run.size.full
    if known.least is None:
        return list(known.program.at(cells, lambda: traced(run)))
    least = known.least
    found = known.program.at(least, lambda: traced(run._replace(size=run.size._replace(full=least))))
    return [work + (cells - least) * more for work, more in zip(found, known.growth, strict=True)]


def prepared(run: Run) -> Prepared:
    """What is known of a run and all others that differ in the context alone, on the same side of all its bends."""
    s, size = run.settings, run.size
    asked = (s.devices, s.kv_type_k, s.kv_type_v, s.kv_offload, s.experts_on_cpu, s.override, s.embedding)
    batch = size[1:]  # all but the context
    key = (run.where, batch, bends(run), run.flash, run.rows, run.rough, *asked)

    def prepare() -> Prepared:
        of = layout(run)
        return Prepared(_programs.get(None, of.name, lambda: GraphProgram(of.copies)), *_growing(run, of.copies))

    return _prepared.get(run.sizes, key, prepare)


def _growing(run: Run, copies: int) -> tuple[int | None, tuple[int, ...]]:
    """The shortest context that has the same windows, from which on only the masks are longer, and by how much a cell.

    Masks come first and stay until the last block. None elsewhere: where experts are copied, a mask that is first read
    behind them lies where its size lets it, not before all else.
    """
    settings, size, where, layers = run.settings, run.size, run.where, run.sizes.layers
    apart = where.bounds[0] > 0 or where.output is None or not settings.kv_offload
    expanded = {settings.kv_type_k, settings.kv_type_v} != {"f16"}
    other = (settings.devices and (apart or expanded)) or not run.flash or run.rows == size.ubatch
    windows = {layer.window for layer in distinct(layers) if layer.k_elements}
    least = max((size.of(w) for w in windows if w is not None), default=0) + CELL_STEP
    lent = settings.devices > 1 and run.sizes.graph["borrows"]  # a cache that another device reads is copied
    sparse = run.sizes.graph["facts"]["top_k"] > 0  # the index scores every cell
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
    """Batches overlap where all blocks lie on several devices and nothing is overridden."""
    settings, where = run.settings, run.where
    whole = where.bounds[0] == 0 and where.output is not None and settings.kv_offload
    return settings.devices > 1 and whole and not (settings.experts_on_cpu or settings.override)


def traced(run: Run) -> Schedule:
    of = layout(run)
    return Schedule(unroll(of.run, of.kept))


def strays(run: Run) -> bool:
    """Whether attention runs apart from its block when each slot adds one token: "auto" then means no flash."""
    of = layout(run._replace(size=run.size._replace(ubatch=run.size.slots), rows=run.size.slots))

    def goes_astray() -> bool:
        try:
            return astray(unroll(of.run, of.kept))
        except Incomplete:
            return True  # without flash attention more is needed

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
    # Where blocks read caches of others, no row is so regular that its middle may be left out.
    traced = list(range(len(symbols))) if borrows and not run.rough else shortened(symbols)
    copies = COPIES if _overlaps(run) else 1
    content = (
        *(sizes.graph["key"], sizes.hidden, sizes.n_vocab, sizes.output_device),
        tuple(symbols[il] for il in traced),
        *(host, where.output, tuple(run.size._replace(full=0)), bent),
        *(settings.kv_type_k, settings.kv_type_v, settings.kv_offload),
        *(run.flash, run.rows, copies, settings.embedding, sizes.graph["extra"], sizes.graph["factors"]),
        len(symbols) if sizes.graph["facts"]["top_k"] else 0,  # blocks that are not traced have zeros too
    )
    # Version 2 of marshal writes equal values alike, whoever else holds them.
    return Layout(blake2b(marshal.dumps(content, 2), digest_size=16).digest(), run, traced, copies)


def bends(run: Run) -> tuple[bool, ...]:
    """Beyond which of its windows, and of the cells that an index chooses, the cache has grown."""
    size = run.size
    windows = sorted({layer.window for layer in distinct(run.sizes.layers) if layer.window is not None})
    return *(size.of(window) < size.full for window in windows), size.full > run.sizes.graph["facts"]["top_k"]


def alike(run: Run) -> BuildSizes:
    """The sizes with the largest weights of each kind of block in all blocks of the kind whose weights are copied."""
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
    """Blocks that are traced: of each row of more than three equal periods the first two and the last."""
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
    """Length and period of the longest row of equal periods that starts at i, (0, 0) when there is none."""
    best = (0, 0)
    for period in range(1, min(LONGEST, (len(row) - i) // 2) + 1):
        first, count = row[i : i + period], 1
        while row[i + count * period : i + (count + 1) * period] == first:
            count += 1
        if count > PERIODS and count * period > best[0]:
            best = (count * period, period)
    return best
