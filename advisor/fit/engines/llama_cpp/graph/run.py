"""Inputs of one graph trace, and the device of each block."""

from __future__ import annotations

from typing import NamedTuple

from advisor.fit.build import BuildSizes, LayerSizes
from advisor.fit.engines.llama_cpp.kv_cache import Cells
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.weights import Placement

PLAIN = ("f32", "f16", "bf16")


class Run(NamedTuple):
    """Inputs of one graph trace."""

    sizes: BuildSizes
    size: Cells
    settings: Settings
    flash: bool
    where: Placement
    rows: int  # output rows requested
    rough: bool = False  # treat blocks of one kind as equal

    @property
    def wide(self) -> int:
        """Values per embedding row that replaces a token; includes the extra rows of the first blocks (deepstack)."""
        return self.sizes.hidden * (1 + int(self.sizes.graph["facts"]["stacked"]))

    @property
    def kv_types(self) -> dict[str, str]:
        return {"k": self.settings.kv_type_k, "v": self.settings.kv_type_v}


def home_of(where: Placement, il: int, host: int) -> int:
    """The device that holds a block; `host` when none does."""
    return next((d for d in range(host) if where.bounds[d] <= il < where.bounds[d + 1]), host)


def homes(where: Placement, blocks: int) -> list[tuple[int, int, int]]:
    """(device, first block, end) of the first `blocks`, in order: the host's range, then each device's."""
    ends = [0, *(min(bound, blocks) for bound in where.bounds)]
    places = (len(where.bounds) - 1, *range(len(where.bounds) - 1))
    return [(place, a, b) for place, a, b in zip(places, ends, ends[1:], strict=False) if a < b]


def index_values(run: Run, layer: LayerSizes) -> int:
    """Values that a block's indexer caches per token; 0 without one."""
    graph = run.sizes.graph
    return int(graph["facts"]["index"]) if "indexer.attn_k" in graph["blocks"][layer.block]["width"] else 0
