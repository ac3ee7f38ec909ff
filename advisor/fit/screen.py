"""Every build against one host at once: array arithmetic that says which are worth an exact plan, and about how fast.

The sums are those of `fit.memory` without the per-block detail. They choose what is planned, they promise nothing: a
screened build is answered only after `placement` has weighed it exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.fit.allowances import device_overhead, host_overhead
from advisor.fit.division import groups
from advisor.fit.placement import UBATCH, padded
from advisor.fit.spec import BuildSizes, Catalog, HostSpec, Workload

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Number = float | Floats
Truth = bool | NDArray[np.bool_]

SLACK = 0.95  # sums are taken at this share: they leave out padding and rounding in either direction
DOUBT = 1.1  # and at this where a build must surely fit
ACHIEVED = 0.65  # share of the memory bandwidth that token generation reaches, for the order only
CPU_ACHIEVED = 0.6
PACKED = 0.53  # what q8_0 makes of an f16 cache
RAM_BANDWIDTH = 60e9  # bytes per second, two channels of DDR5, when the host names none
BANDWIDTH = 200e9
NEVER = -1


@dataclass(frozen=True, slots=True)
class Columns:
    """The catalog's GGUF builds as parallel arrays of length n; built once per catalog version."""

    model: Ints  # index into Catalog.models
    build: Ints  # index into that model's builds
    device: Floats  # weight bytes of a full offload, on the device
    experts: Floats  # of these, routed experts
    host: Floats  # weight bytes of a run on the CPU alone
    inputs: Floats  # weight bytes that stay on the host whatever happens
    full: Floats  # cache values per token of layers that attend fully
    windowed: Floats  # cache values per token of layers with a window
    window: Floats
    state: Floats  # bytes of recurrent state per slot
    width: Floats  # widest stage of the graph, floats per token
    active: Floats  # weight bytes read per token
    active_experts: Floats
    blocks: Floats
    bits: Floats  # bits per weight
    limit: Floats  # trained context

    def take(self, rows: Ints) -> Columns:
        """Those rows alone."""
        return Columns(*(getattr(self, name)[rows] for name in FIELDS))


FIELDS = tuple(Columns.__dataclass_fields__)


def columns(builds: Sequence[tuple[int, int, BuildSizes]]) -> Columns:
    """Columns of (model index, build index, sizes) rows."""
    rows = [(model, build, *_row(sizes)) for model, build, sizes in builds]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(FIELDS))
    whole = {name: table[:, i].astype(np.int64) if i < 2 else table[:, i].copy() for i, name in enumerate(FIELDS)}
    return Columns(**whole)  # type: ignore[arg-type]


def catalog_columns(catalog: Catalog) -> Columns:
    """All builds of the catalog that the engine reads and whose layout is known."""
    return columns(
        [
            (m, b, build.sizes)
            for m, model in enumerate(catalog.models)
            for b, build in enumerate(model.builds)
            if build.sizes is not None and build.format == "gguf"
        ]
    )


def _row(sizes: BuildSizes) -> tuple[float, ...]:
    experts = sum(layer.experts_device for layer in sizes.layers)
    elements = [(layer.k_elements + layer.v_elements, layer.window) for layer in sizes.layers]
    share = sizes.experts_used / sizes.experts if sizes.experts else 0.0
    return (
        sum(layer.device for layer in sizes.layers) + experts + sizes.output_device,
        experts,
        sum(layer.host + layer.experts_host for layer in sizes.layers) + sizes.output_host + sizes.embedding_host,
        sizes.embedding_host,
        sum(n for n, window in elements if window is None),
        sum(n for n, window in elements if window is not None),
        max((window for _, window in elements if window is not None), default=0),
        4 * sum(layer.state_conv + layer.state_ssm for layer in sizes.layers),
        float(sizes.graph.get("peak") or 3 * sizes.ffn + 4 * sizes.hidden),
        sizes.active_bytes,
        experts * share,
        len(sizes.layers),
        8 * sizes.file_bytes / sizes.parameters if sizes.parameters else 16.0,
        sizes.context_length,
    )


@dataclass(frozen=True, slots=True)
class Screened:
    """What one host makes of each build."""

    kind: Ints  # best kind of placement, index into KINDS, or NEVER
    need: Floats  # bytes of a full offload
    decode: Floats  # tokens per second
    headroom: Floats  # share of the room left over, 0..1
    fill: Floats  # cache bytes per further token of context, all slots
    sure: NDArray[np.bool_]  # fits with room to spare: whole on devices with the host's part, or whole on the host


@dataclass(frozen=True, slots=True)
class Room:
    """What one host offers, in bytes after the overheads, and in bytes per second; or columns of as many hosts."""

    one: Number  # on the best single device
    several: Number  # on the best set of devices together
    ram: Number
    overhead: Number  # of the host's memory
    offload: Truth  # the host's memory is known and may be used
    devices: Truth  # there is one
    unified: Truth
    fast: Number
    mean: Number
    slow: Number

    @classmethod
    def of(cls, host: HostSpec) -> Room:
        rooms = [float(d.available_bytes - device_overhead(d)) for d in host.devices]
        rates = [float(d.memory_bandwidth or BANDWIDTH) for d in host.devices]
        sets = groups(host)
        fast = max(rates, default=RAM_BANDWIDTH)
        return cls(
            one=max(rooms, default=0.0),
            several=max((sum(rooms[i] for i in members) for members in sets), default=0.0),
            ram=np.inf if host.ram_available_bytes is None else float(host.ram_available_bytes),
            overhead=float(host_overhead(1 if host.devices else 0)),
            offload=host.ram_available_bytes is not None,
            devices=bool(host.devices),
            unified=any(d.unified for d in host.devices),
            fast=fast,
            mean=float(np.mean([rates[i] for i in sets[0]])) if sets else fast,
            slow=float(host.ram_bandwidth or RAM_BANDWIDTH),
        )

    @classmethod
    def columns(cls, rooms: Sequence[Room]) -> Room:
        return cls(*(np.array([[getattr(room, name)] for room in rooms]) for name in cls.__dataclass_fields__))


def screen(table: Columns, host: HostSpec, workload: Workload) -> Screened:
    """All builds for one question: arrays of the table's length."""
    return _screen(table, Room.of(host), padded(workload.context), workload.concurrency)


def screen_all(table: Columns, questions: Sequence[tuple[HostSpec, Workload]]) -> Screened:
    """All builds for each of several questions: arrays of (questions, builds)."""
    rooms = {id(host): Room.of(host) for host, _ in questions}
    return _screen(
        table,
        Room.columns([rooms[id(host)] for host, _ in questions]),
        np.array([[padded(workload.context)] for _, workload in questions]),
        np.array([[workload.concurrency] for _, workload in questions]),
    )


def _screen(table: Columns, room: Room, cells: int | Ints, slots: int | Ints) -> Screened:
    """About 50 array operations; the order of kinds is that of `placement.ATTEMPTS`."""
    kept = np.minimum(cells, table.window + UBATCH)
    cache = slots * (2.0 * (table.full * cells + table.windowed * kept) + table.state)
    work = UBATCH * (2.0 * (cells + kept) + 4.0 * table.width)
    need = table.device + cache + work
    # Bounds are drawn in favour of the build, with the smallest cache there is: the exact sum decides.
    least = (table.device + PACKED * cache + work) * SLACK
    beside = (table.inputs + work + room.overhead) * SLACK
    pool = np.where(room.unified, least, 0.0)
    free = room.ram - beside - pool

    best = np.maximum(room.one, room.several)
    over = least - best
    moved = np.divide(over, table.experts, out=np.full_like(over, np.inf), where=table.experts > 0)
    on_devices = np.clip((best - work * SLACK) / np.maximum(1.0, table.device + PACKED * cache), 0.0, 1.0)
    left_over = np.where(room.unified, 0.0, (1 - on_devices) * (table.device + PACKED * cache) * SLACK)
    alone = (table.host + PACKED * cache + work + host_overhead(0)) * SLACK
    feasible = np.stack(
        [
            (least <= room.one) & (free >= 0) & room.devices,
            (least <= room.several) & (free >= 0) & (room.several > 0),
            (moved <= 1)
            & (free >= np.where(room.unified, 0.0, np.clip(moved, 0, 1) * table.experts * SLACK))
            & room.offload,
            (on_devices * (table.blocks + 1) >= 1) & (free >= left_over) & room.offload & room.devices,
            (alone <= room.ram) & room.offload,
        ]
    )
    kind = np.where(feasible.any(axis=0), feasible.argmax(axis=0), NEVER)
    seen = np.clip(kind, 0, len(feasible) - 1)

    # Bytes per token read on devices and on the host, by kind; a stream reads its own cache once.
    read = table.active + cache / slots
    none = np.zeros_like(read)
    from_host = np.choose(
        seen, [none, none, np.clip(moved, 0, 1) * table.active_experts, (1 - on_devices) * read, read]
    )
    rate = np.where(kind == 0, room.fast, room.mean) * ACHIEVED
    seconds = (read - from_host) / rate + from_host / (room.slow * CPU_ACHIEVED)
    ram = np.maximum(room.ram, 1.0)
    beyond = np.where(seen == 2, np.clip(moved, 0, 1) * table.experts, left_over)
    spilled = (beside + pool + beyond) / ram
    whole = [need / np.maximum(room.one, 1.0), need / np.maximum(room.several, 1.0)]
    taken = np.choose(seen, [*whole, spilled, spilled, alone / ram])
    headroom = np.clip(1 - taken, 0.0, 1.0)
    roomy = room.ram - DOUBT * (table.inputs + work + room.overhead) - np.where(room.unified, DOUBT * need, 0.0) >= 0
    sure = ((DOUBT * need <= room.one) & room.devices & roomy) | (
        (DOUBT * (table.host + cache + work + host_overhead(0)) <= room.ram) & room.offload
    )
    return Screened(kind, need, 1.0 / np.maximum(seconds, 1e-9), headroom, 2.0 * slots * table.full, sure)
