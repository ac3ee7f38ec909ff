"""What one trace is of, and where its blocks lie."""

from __future__ import annotations

from typing import NamedTuple

from advisor.fit.build import BuildSizes, LayerSizes
from advisor.fit.engines.llama_cpp.kv_cache import Cells
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.weights import Placement

PLAIN = ("f32", "f16", "bf16")


class Run(NamedTuple):
    """What one trace is of."""

    sizes: BuildSizes
    size: Cells
    settings: Settings
    flash: bool
    where: Placement
    rows: int  # that are asked for
    rough: bool = False  # blocks of one kind are taken to be alike

    @property
    def wide(self) -> int:
        """Values of a row that is given instead of a token: the first blocks may have rows of their own beside it."""
        return self.sizes.hidden * (1 + int(self.sizes.graph["facts"]["stacked"]))

    @property
    def kv_types(self) -> dict[str, str]:
        return {"k": self.settings.kv_type_k, "v": self.settings.kv_type_v}


def home_of(where: Placement, il: int, host: int) -> int:
    """The device that holds a block."""
    return next((d for d in range(host) if where.bounds[d] <= il < where.bounds[d + 1]), host)


def homes(where: Placement, blocks: int) -> list[tuple[int, int, int]]:
    """(device, first block, end) of the first `blocks`, in their order: the host's, then those of each device."""
    ends = [0, *(min(bound, blocks) for bound in where.bounds)]
    places = (len(where.bounds) - 1, *range(len(where.bounds) - 1))
    return [(place, a, b) for place, a, b in zip(places, ends, ends[1:], strict=False) if a < b]


def index_values(run: Run, layer: LayerSizes) -> int:
    """Values that a block's index keeps per token, 0 without one."""
    graph = run.sizes.graph
    return int(graph["facts"]["index"]) if "indexer.attn_k" in graph["blocks"][layer.block]["width"] else 0
