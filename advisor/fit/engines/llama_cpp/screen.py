"""Vectorised screen of every build on one host: which builds are worth an exact plan, and their approximate figures.

The sums are those of `fit.engines.llama_cpp` without per-block detail. They only select candidates: no build is
returned before `placement` has sized it exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from advisor.fit.allowances import device_overhead, host_overhead
from advisor.fit.build import BuildSizes
from advisor.fit.engines.base import KINDS, NEVER, Bools, Floats, Ints
from advisor.fit.engines.llama_cpp.placement import UBATCH, padded
from advisor.fit.engines.llama_cpp.tensor_split import device_groups
from advisor.fit.spec import HostSpec, Workload

Number = float | Floats
Truth = bool | Bools

SLACK = 0.95  # factor on the sums: they leave out padding, and rounding in either direction
DOUBT = 1.1  # factor for builds that must fit for certain
PACKED = 0.53  # bytes of a q8_0 cache relative to f16
EXPERTS = KINDS.index("experts_on_cpu")  # the first kind with a part on the host


@dataclass(frozen=True, slots=True)
class Columns:
    """Builds as parallel arrays of length n; made once per catalog version."""

    device: Floats  # weight bytes on the device with full offload
    experts: Floats  # of these, routed experts
    host: Floats  # weight bytes of a CPU-only run
    inputs: Floats  # weight bytes that stay on the host whatever the offload
    full: Floats  # cache values per token of full-attention layers
    windowed: Floats  # cache values per token of layers with a window
    window: Floats
    state: Floats  # bytes of recurrent state per slot
    width: Floats  # widest stage of the graph, floats per token
    blocks: Floats
    bits: Floats  # bits per weight
    limit: Floats  # trained context

    def take(self, rows: Ints) -> Columns:
        """The given rows alone."""
        return Columns(*(getattr(self, name)[rows] for name in FIELDS))


FIELDS = tuple(Columns.__dataclass_fields__)


def columns(builds: Sequence[BuildSizes]) -> Columns:
    values = chain.from_iterable(map(_row, builds))
    table = np.fromiter(values, np.float64, len(builds) * len(FIELDS)).reshape(len(builds), len(FIELDS))
    return Columns(**{name: table[:, i].copy() for i, name in enumerate(FIELDS)})


def _row(sizes: BuildSizes) -> tuple[float, ...]:
    experts = sum(layer.experts_device for layer in sizes.layers)
    elements = [(layer.k_elements + layer.v_elements, layer.window) for layer in sizes.layers]
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
        len(sizes.layers),
        8 * sizes.file_bytes / sizes.parameters if sizes.parameters else 16.0,
        sizes.context_length,
    )


@dataclass(frozen=True, slots=True)
class Fits:
    """Screening result of one host, per build."""

    kind: Ints  # best kind of placement, index into KINDS, or NEVER
    need: Floats  # bytes of a full offload
    headroom: Floats  # share of memory left free, 0..1
    fill: Floats  # cache bytes per further token of context, all slots
    sure: Bools  # fits with a margin: whole on devices with the host's part, or whole on the host
    packed: Bools  # whole on devices, but only with a q8_0 cache
    host_blocks: Floats  # share of the blocks on the host, 0..1
    host_experts: Floats  # share of their routed experts on the host, 0..1


@dataclass(frozen=True, slots=True)
class Room:
    """Memory of one host in bytes after overheads, or columns of several hosts."""

    one: Number  # on the largest single device
    several: Number  # on the largest device group
    ram: Number
    overhead: Number  # of the host's memory
    offload: Truth  # the host's memory is known and may be used
    devices: Truth  # the host has a device
    unified: Truth

    @classmethod
    def of(cls, host: HostSpec) -> Room:
        rooms = [float(d.available_bytes - device_overhead(d)) for d in host.devices]
        sets = device_groups(host)
        return cls(
            one=max(rooms, default=0.0),
            several=max((sum(rooms[i] for i in members) for members in sets), default=0.0),
            ram=np.inf if host.ram_available_bytes is None else float(host.ram_available_bytes),
            overhead=float(host_overhead(1 if host.devices else 0)),
            offload=host.ram_available_bytes is not None,
            devices=bool(host.devices),
            unified=any(d.unified for d in host.devices),
        )

    @classmethod
    def columns(cls, rooms: Sequence[Room]) -> Room:
        return cls(*(np.array([[getattr(room, name)] for room in rooms]) for name in cls.__dataclass_fields__))


def share_of_several(held: Floats, layers: Floats, host: HostSpec) -> Floats:
    """Share of memory used on the fullest device, per build, when whole layers are split over a device group.

    Uses the group with most memory, its largest devices first, and no more devices than the build needs.
    """
    sets = [
        [float(host.devices[i].available_bytes - device_overhead(host.devices[i])) for i in s]
        for s in device_groups(host)
    ]
    if not sets:
        return np.ones_like(held)
    ladder = np.cumsum(max(sets, key=sum))[1:, None]
    counts = np.arange(2, len(ladder) + 2)[:, None]
    shares = held * np.ceil(layers / counts) * counts / layers / np.maximum(ladder, 1.0)
    enough = (shares <= 1).argmax(axis=0)
    found: Floats = np.take_along_axis(shares, enough[None], axis=0)[0]
    return found


def screen(table: Columns, host: HostSpec, workload: Workload) -> Fits:
    """Screens all builds for one question; arrays have the table's length."""
    room, slots = Room.of(host), workload.concurrency
    sums = _sums(table, room, padded(workload.context), slots)
    seen, moved = np.clip(sums.kind, 0, None), np.clip(sums.moved, 0, 1)
    ram, spilled_over = np.maximum(room.ram, 1.0), 1 - sums.on_devices
    beyond = np.where(seen == EXPERTS, moved * table.experts, sums.left_over)
    spilled = (sums.beside + sums.pool + beyond) / ram
    packed = (seen < EXPERTS) & (sums.need > np.where(seen == 0, room.one, room.several))
    held = np.where(packed, sums.packed, sums.need)
    whole = np.where(seen == 0, held / max(room.one, 1.0), share_of_several(held, table.blocks + 1, host))
    taken = np.choose(seen, [whole, whole, spilled, spilled, sums.alone / ram])
    nothing, everything = np.zeros_like(held), np.ones_like(held)
    return Fits(
        kind=sums.kind,
        need=sums.need,
        headroom=np.clip(1 - taken, 0.0, 1.0),
        fill=2.0 * slots * table.full,
        sure=_sure(table, room, sums),
        packed=packed,
        host_blocks=np.choose(seen, [nothing, nothing, nothing, spilled_over, everything]),
        host_experts=np.choose(seen, [nothing, nothing, moved, spilled_over, everything]),
    )


def _sure(table: Columns, room: Room, sums: Sums) -> Bools:
    beside = DOUBT * (table.inputs + sums.work + room.overhead) + np.where(room.unified, DOUBT * sums.need, 0.0)
    on_one = (DOUBT * sums.need <= room.one) & room.devices & (beside <= room.ram)
    alone = (DOUBT * (table.host + sums.cache + sums.work + host_overhead(0)) <= room.ram) & room.offload
    found: Bools = on_one | alone
    return found


def screen_all(table: Columns, questions: Sequence[tuple[HostSpec, Workload]]) -> Ints:
    """Placement kind of every build under each of several questions: array of (questions, builds)."""
    rooms = {id(host): Room.of(host) for host, _ in questions}
    return _sums(
        table,
        Room.columns([rooms[id(host)] for host, _ in questions]),
        np.array([[padded(workload.context)] for _, workload in questions]),
        np.array([[workload.concurrency] for _, workload in questions]),
    ).kind


class Sums(NamedTuple):
    """Bytes per build that do not depend on the placement chosen, and the best kind of placement that may fit."""

    kind: Ints
    cache: Floats
    work: Floats  # compute buffers
    need: Floats  # on the devices, full offload
    packed: Floats  # the same with a q8_0 cache
    beside: Floats  # on the host, with full offload
    pool: Floats  # host memory taken by unified devices
    moved: Floats  # share of the experts that must move to the host; above 1 where that is not enough
    on_devices: Floats  # share of the total that the devices hold
    left_over: Floats  # bytes that they do not hold
    alone: Floats  # on the host, without devices


def _sums(table: Columns, room: Room, cells: int | Ints, slots: int | Ints) -> Sums:
    """Some 40 array operations; the order of kinds is that of `placement.ATTEMPTS`."""
    kept = np.minimum(cells, table.window + UBATCH)
    cache = slots * (2.0 * (table.full * cells + table.windowed * kept) + table.state)
    work = UBATCH * (2.0 * (cells + kept) + 4.0 * table.width)
    small = PACKED * cache
    packed = table.device + small + work
    # Bounds are optimistic, with the smallest possible cache: the exact sum decides.
    least = packed * SLACK
    beside = (table.inputs + work + room.overhead) * SLACK
    pool = np.where(room.unified, least, 0.0)
    free = room.ram - beside - pool

    best = np.maximum(room.one, room.several)
    over = least - best
    moved = np.divide(over, table.experts, out=np.full_like(over, np.inf), where=table.experts > 0)
    on_devices = np.clip((best - work * SLACK) / np.maximum(1.0, table.device + small), 0.0, 1.0)
    left_over = np.where(room.unified, 0.0, (1 - on_devices) * (table.device + small) * SLACK)
    alone = (table.host + small + work + host_overhead(0)) * SLACK
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
    return Sums(
        kind, cache, work, table.device + cache + work, packed, beside, pool, moved, on_devices, left_over, alone
    )
