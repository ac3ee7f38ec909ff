"""Run-length view of a build's blocks: distinct blocks with prefix counts, to sum over a layer range without a loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from advisor.fit.build import LayerSizes
from advisor.fit.memo import remembered

Layers = tuple[LayerSizes, ...]


@dataclass(frozen=True, slots=True)
class Kinds:
    """`before[k][i]`: how many of the first i blocks are of kind k. Equal blocks of a build are the same object."""

    distinct: Layers
    before: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, layers: Layers) -> Kinds:
        numbers: dict[int, int] = {}
        row = [numbers.setdefault(id(layer), len(numbers)) for layer in layers]
        counts = []
        for kind in range(len(numbers)):
            upto = [0]
            for one in row:
                upto.append(upto[-1] + (one == kind))
            counts.append(tuple(upto))
        return cls(tuple(layers[row.index(kind)] for kind in range(len(numbers))), tuple(counts))

    def between(self, first: int, last: int) -> Iterator[tuple[LayerSizes, int]]:
        """Distinct blocks in the half-open range [first, last), each with its count."""
        for layer, upto in zip(self.distinct, self.before, strict=True):
            count = upto[last] - upto[first] if first < last else 0
            if count:
                yield layer, count


@remembered(4096)  # a few kilobytes each
def kinds(layers: Layers) -> Kinds:
    """The kinds of a build's blocks, memoised while the build is in use."""
    return Kinds.of(layers)


def distinct(layers: Layers) -> Layers:
    """One block of each kind, in order of first appearance."""
    return kinds(layers).distinct
