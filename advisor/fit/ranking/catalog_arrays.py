"""A catalog with what is computed once for it, so that a question is array arithmetic over all models and builds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from advisor.fit.ranking.filters import Traits, strength
from advisor.fit.ranking.plans import LEAST_BITS, loss
from advisor.fit.ranking.screen import Columns, Ints, catalog_columns
from advisor.fit.spec import USE_CASES, BuildSpec, Catalog, ModelSpec, Workload
from advisor.fit.speed.catalog_speed import Work

Floats = NDArray[np.float64]
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Strengths:
    """Quality for one use case as parallel arrays, one entry per model of the catalog."""

    score: Floats
    low: Floats
    unproved: NDArray[np.bool_]  # nothing published

    @classmethod
    def of(cls, models: tuple[ModelSpec, ...], use_case: str) -> Strengths:
        judged = [strength(model, Workload(use_case=use_case)) for model in models]
        figures = np.array([(s.score, s.low) for s in judged], dtype=np.float64).reshape(len(judged), 2)
        return cls(figures[:, 0], figures[:, 1], np.array([s.basis == "none" for s in judged], dtype=bool))


@dataclass(frozen=True, slots=True)
class Index:
    """Arrays by model have one entry per model of the catalog, arrays by build one per row of the table."""

    catalog: Catalog
    table: Columns
    work: Work  # by build
    losses: Floats  # points lost to quantization, by build
    traits: Traits
    strengths: dict[str, Strengths]  # by use case
    ends: Ints  # the rows of model i are ends[i] to ends[i + 1]
    smallest: Ints  # by model: row of the smallest build above the quality floor, or NOBODY
    layout: list[int]  # by model: a number that those whose smallest builds are alike but for their values share
    successor: Ints  # by model: which model replaces it, or NOBODY
    place: Ints  # by model: its place in the order of slugs
    numbers: dict[str, int]  # slug -> place in the catalog
    builds: dict[str, tuple[ModelSpec, BuildSpec]]  # by id
    published: dict[str, list[BuildSpec]]  # by the name of the first file

    @classmethod
    def of(cls, catalog: Catalog) -> Index:
        table, models = catalog_columns(catalog), catalog.models
        owners = list(zip(table.model.tolist(), table.build.tolist(), strict=True))
        losses = np.array([loss(models[m], models[m].builds[b]) for m, b in owners], dtype=np.float64)
        ends = np.searchsorted(table.model, np.arange(len(models) + 1))
        numbers = {model.slug: i for i, model in enumerate(models)}
        smallest = _smallest(table, models, ends.tolist())
        return cls(
            catalog=catalog,
            table=table,
            work=Work.of([models[m].builds[b].sizes for m, b in owners]),
            losses=losses,
            traits=Traits.of(models),
            strengths={use_case: Strengths.of(models, use_case) for use_case in USE_CASES},
            ends=ends,
            smallest=smallest,
            layout=_layouts(models, table, smallest.tolist()),
            successor=np.array([numbers.get(m.superseded_by or "", NOBODY) for m in models], dtype=np.int64),
            place=np.argsort(np.argsort(np.array([m.slug for m in models], dtype=object))),
            numbers=numbers,
            builds={build.id: (model, build) for model in models for build in model.builds},
            published=_published(models),
        )

    def build(self, row: int) -> tuple[ModelSpec, BuildSpec]:
        """Model and build of a row of the table."""
        model = self.catalog.models[self.table.model[row]]
        return model, model.builds[self.table.build[row]]

    def rows(self, model: int) -> range:
        """Rows of a model's builds."""
        return range(self.ends[model], self.ends[model + 1])

    def strongest(self, models: Ints, workload: Workload, last: Ints) -> Ints:
        """`models` by `last`, then strongest first, those with nothing published after all others."""
        judged = self.strengths[workload.use_case]
        order = np.lexsort((self.place[models], -judged.low[models], judged.unproved[models], last))
        found: Ints = models[order]
        return found


def _smallest(table: Columns, models: tuple[ModelSpec, ...], ends: list[int]) -> Ints:
    """What is judged when nothing fits."""
    bits, build = table.bits.tolist(), table.build.tolist()
    found = []
    for i, model in enumerate(models):
        rows = range(ends[i], ends[i + 1])
        above = [row for row in rows if bits[row] >= LEAST_BITS] or rows
        builds = {row: model.builds[build[row]] for row in above}
        found.append(min(above, key=lambda row: (builds[row].bytes, builds[row].id), default=NOBODY))
    return np.array(found, dtype=np.int64)


def _layouts(models: tuple[ModelSpec, ...], table: Columns, smallest: list[int]) -> list[int]:
    numbers: dict[object, int] = {}
    found = []
    for model, row in zip(models, smallest, strict=True):
        build = None if row == NOBODY else model.builds[table.build[row]]
        sizes = build.sizes if build else None
        alike = (sizes.arch, sizes.layers, sizes.n_vocab, build.bytes, model.task) if build and sizes else model.slug
        found.append(numbers.setdefault(alike, len(numbers)))
    return found


def _published(models: tuple[ModelSpec, ...]) -> dict[str, list[BuildSpec]]:
    found: dict[str, list[BuildSpec]] = {}
    for model in models:
        for build in model.builds:
            if build.files:
                first = min(str(file["path"]) for file in build.files)
                found.setdefault(PurePosixPath(first).name, []).append(build)
    return found
