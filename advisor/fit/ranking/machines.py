"""Reverse lookup: the smallest machines that run a given model for a given workload."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.filters import MEETS
from advisor.fit.ranking.plans import LEAST_BITS, bits
from advisor.fit.ranking.rank import rank
from advisor.fit.spec import HostSpec, Result, Workload

WHOLE = ("gpu", "gpus")


def meeting(
    index: Index, machines: Sequence[HostSpec], workload: Workload, *, prefer: str = "balanced", limit: int = 20
) -> list[tuple[HostSpec, Result]]:
    """Up to `limit` of `machines` that run the index's single model under `workload`, each with its best plan.

    Machines are tried in the given order. Once a card suffices, larger counts of the same card are skipped. Returns an
    empty list when the model misses a requirement that does not depend on hardware.
    """
    rows = index.rows()
    builds = [rows.at(row)[2] for row in rows.of_model(0)]
    weights = [build.sizes.file_bytes for build in builds if build.sizes and bits(build) >= LEAST_BITS]
    found: list[tuple[HostSpec, Result]] = []
    enough: set[tuple[str, int]] = set()
    for machine in machines:
        card = machine.devices[0].name, machine.devices[0].memory_bytes
        room = sum(device.available_bytes for device in machine.devices)
        # Some tensors stay in host memory, so weights slightly larger than device memory may still fit.
        if card in enough or not weights or 0.8 * min(weights) > room:
            continue
        ranking = rank(index, machine, workload, prefer=prefer, limit=1)
        if ranking.barred[0] != MEETS:
            break
        # A plan that spills to host memory does not count: it is not the reason to buy a card.
        if not ranking.results or ranking.results[0].plan.placement not in WHOLE:
            continue
        found.append((machine, ranking.results[0]))
        enough.add(card)
        if len(found) == limit:
            break
    return found
