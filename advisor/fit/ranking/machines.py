"""The reverse question: on which of many machines does one model run as asked? The smallest machine first."""

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
    """The first `limit` of `machines` on which the index's one model meets `workload`, each with its best plan.

    Machines are tried in the given order; once a card does it, more of the same card are not listed. Nothing is found
    for a model that misses a requirement of the workload whatever the machine.
    """
    rows = index.rows()
    builds = [rows.at(row)[2] for row in rows.of_model(0)]
    weights = [build.sizes.file_bytes for build in builds if build.sizes and bits(build) >= LEAST_BITS]
    found: list[tuple[HostSpec, Result]] = []
    enough: set[tuple[str, int]] = set()
    for machine in machines:
        card = machine.devices[0].name, machine.devices[0].memory_bytes
        room = sum(device.available_bytes for device in machine.devices)
        # Some tensors lie in main memory, so weights somewhat above the room may still fit.
        if card in enough or not weights or 0.8 * min(weights) > room:
            continue
        ranking = rank(index, machine, workload, prefer=prefer, limit=1)
        if ranking.barred[0] != MEETS:
            break
        # Main memory is not what one buys a card for: a plan that spills into it is no answer here.
        if not ranking.results or ranking.results[0].plan.placement not in WHOLE:
            continue
        found.append((machine, ranking.results[0]))
        enough.add(card)
        if len(found) == limit:
            break
    return found
