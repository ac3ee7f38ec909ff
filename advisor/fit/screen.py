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
from advisor.fit.placement import UBATCH, groups, padded, singles
from advisor.fit.spec import BuildSizes, Catalog, HostSpec, Workload

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLACK = 0.97  # a need this share of the room is let through: the exact sum decides
ACHIEVED = 0.65  # share of the memory bandwidth that token generation reaches, for the order only
CPU_ACHIEVED = 0.6
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


def screen(table: Columns, host: HostSpec, workload: Workload) -> Screened:
    """About 20 array operations over all builds; the order of kinds is that of `placement.ATTEMPTS`."""
    slots, cells = workload.concurrency, padded(workload.context)
    kept = np.minimum(cells, table.window + UBATCH)
    cache = slots * (2.0 * (table.full * cells + table.windowed * kept) + table.state)
    packed = cache * (34 / 64) + 4.0 * cells * table.full / np.maximum(1.0, table.blocks)
    work = UBATCH * (2.0 * (cells + kept) + 4.0 * table.width)
    need, tight = table.device + cache + work, table.device + packed + work
    beside = table.inputs + work + host_overhead(len(host.devices))
    ram = np.inf if host.ram_available_bytes is None else float(host.ram_available_bytes)
    offload = host.ram_available_bytes is not None
    unified = any(d.unified for d in host.devices)

    rooms = [float(d.available_bytes - device_overhead(d)) for d in host.devices]
    one = rooms[max(singles(host), key=lambda i: rooms[i])] if rooms else 0.0
    sets = groups(host)
    several = max((sum(rooms[i] for i in members) for members in sets), default=0.0)
    room = max(one, several)
    # One pool: what lies on the device is taken from the host's memory too.
    host_left = ram - beside - (need if unified else 0.0)
    holds = host_left >= 0
    whole = (np.minimum(need, tight) * SLACK <= one) & holds
    spread = (np.minimum(need, tight) * SLACK <= several) & holds

    rest = np.clip(need - room, 0.0, None)
    per_experts = np.divide(rest, table.experts, out=np.full_like(rest, np.inf), where=table.experts > 0)
    moved = np.clip(per_experts, 0.0, 1.0)
    with_experts = (
        (per_experts <= 1 / SLACK) & (beside + moved * table.experts <= ram / SLACK) & offload & (not unified)
    )
    # Layers on the host take their weights and cache along.
    split = np.clip((room - work) / np.maximum(1.0, table.device + cache), 0.0, 1.0)
    on_host = beside + (1 - split) * (table.device + cache)
    apart = on_host * SLACK <= ram if not unified else holds
    partly = (split * (table.blocks + 1) >= 1) & apart & offload
    alone = ((table.host + np.minimum(cache, packed) + work + host_overhead(0)) * SLACK <= ram) & offload
    feasible = np.vstack([whole & bool(rooms), spread, with_experts & bool(rooms), partly & bool(rooms), alone])
    kind = np.where(feasible.any(axis=0), feasible.argmax(axis=0), NEVER)

    fast = max((float(d.memory_bandwidth or BANDWIDTH) for d in host.devices), default=RAM_BANDWIDTH)
    slow = float(host.ram_bandwidth or RAM_BANDWIDTH)
    if sets and len(host.devices) > 1:
        mean = float(np.mean([host.devices[i].memory_bandwidth or BANDWIDTH for i in sets[0]]))
    else:
        mean = fast
    # Bytes per token read on devices and on the host, by kind; a stream reads its own cache once.
    stream = cache / slots
    read = table.active + stream
    from_host = np.choose(
        np.clip(kind, 0, 4), [0 * read, 0 * read, moved * table.active_experts, (1 - split) * read, read]
    )
    speed = np.where(kind == 0, fast, mean) * ACHIEVED
    seconds = (read - from_host) / speed + from_host / (slow * CPU_ACHIEVED)
    left = np.choose(
        np.clip(kind, 0, 4),
        [
            1 - need / max(one, 1.0),
            1 - need / max(several, 1.0),
            0 * need,
            0 * need,
            1 - (table.host + cache + work) / max(ram, 1.0),
        ],
    )
    return Screened(kind, need, 1.0 / np.maximum(seconds, 1e-9), np.clip(left, 0.0, 1.0), 2.0 * slots * table.full)
