"""The catalog as NumPy arrays, computed once per catalog version, so that ranking is vectorised over all builds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from advisor.fit.engines.base import Bools, BuildTable, Floats, Ints, Planner, Screened
from advisor.fit.engines.registry import planners_of
from advisor.fit.ranking.filters import MEETS, Codes, Traits, strength
from advisor.fit.ranking.plans import LEAST_BITS, loss
from advisor.fit.spec import REASONS, BuildSpec, Catalog, HostSpec, ModelSpec, Workload
from advisor.fit.use_cases import USE_CASES

NOBODY = -1
ENGINE, UNKNOWN_LAYOUT = (REASONS.index(reason) for reason in ("engine", "unknown_layout"))


@dataclass(frozen=True, slots=True)
class Strengths:
    """Quality for one use case as parallel arrays, one entry per model of the catalog."""

    score: Floats
    low: Floats
    unproved: NDArray[np.bool_]  # no published evidence

    @classmethod
    def of(cls, models: tuple[ModelSpec, ...], use_case: str) -> Strengths:
        judged = [strength(model, Workload(use_case=use_case)) for model in models]
        figures = np.array([(s.score, s.low) for s in judged], dtype=np.float64).reshape(len(judged), 2)
        return cls(figures[:, 0], figures[:, 1], np.array([s.basis == "none" for s in judged], dtype=bool))


@dataclass(frozen=True, slots=True)
class Rows:
    """The builds that a set of engines can serve, one row per build and engine, as parallel arrays sorted by model.

    Arrays marked "per model" have one entry per model of the catalog.
    """

    catalog: Catalog
    planners: tuple[Planner, ...]
    tables: tuple[BuildTable, ...]  # one per planner
    order: Ints | None  # permutation from the concatenated tables to rows; None when there is one table, already sorted
    engine: Ints  # index into planners
    local: Ints  # row in that planner's table
    model: Ints
    build: Ints
    bits: Floats
    losses: Floats  # points of quality lost to quantization
    ends: Ints  # model i has rows ends[i] to ends[i + 1]
    smallest: Ints  # per model: row of the smallest build above the quality floor, or NOBODY
    layout: list[int]  # per model: layout number; models whose smallest builds differ only in weight values share it
    served: Bools  # per model: no builds at all, or one in a format that some engine reads
    known: Bools  # per model: some build in a readable format has a known layout

    @classmethod
    def of(cls, catalog: Catalog, planners: tuple[Planner, ...]) -> Rows:
        tables, models = tuple(planner.tabulate(catalog) for planner in planners), catalog.models
        engine = _whole([np.full(len(table.model), i) for i, table in enumerate(tables)])
        local = _whole([np.arange(len(table.model)) for table in tables])
        model, build = _whole([table.model for table in tables]), _whole([table.build for table in tables])
        bits = np.concatenate([np.zeros(0), *(table.bits for table in tables)])
        order = np.lexsort((engine, build, model)) if len(tables) > 1 else None
        if order is not None:
            engine, local, model, build, bits = (values[order] for values in (engine, local, model, build, bits))
        owners = list(zip(model.tolist(), build.tolist(), strict=True))
        ends = np.searchsorted(model, np.arange(len(models) + 1))
        smallest = _smallest(bits.tolist(), build.tolist(), models, ends.tolist())
        formats = {name for planner in planners for name in planner.FORMATS}
        able = [[b for b in one.builds if b.format in formats] for one in models]
        return cls(
            catalog=catalog,
            planners=planners,
            tables=tables,
            order=order,
            engine=engine,
            local=local,
            model=model,
            build=build,
            bits=bits,
            losses=np.array([loss(models[m], models[m].builds[b]) for m, b in owners], dtype=np.float64),
            ends=ends,
            smallest=smallest,
            layout=_layouts(models, build, smallest.tolist()),
            served=np.array([not one.builds or bool(some) for one, some in zip(models, able, strict=True)], dtype=bool),
            known=np.array([any(b.sizes for b in some) for some in able], dtype=bool),
        )

    def at(self, row: int) -> tuple[Planner, ModelSpec, BuildSpec]:
        model = self.catalog.models[self.model[row]]
        return self.planners[self.engine[row]], model, model.builds[self.build[row]]

    def of_model(self, model: int) -> range:
        return range(self.ends[model], self.ends[model + 1])

    def screened(self, host: HostSpec, workload: Workload) -> Screened:
        parts = [p.screen(table, host, workload) for p, table in zip(self.planners, self.tables, strict=True)]
        if self.order is not None:
            return Screened.joined(parts, self.order)
        return parts[0] if parts else Screened.nothing()

    def screened_kinds(self, rows: Ints, questions: list[tuple[HostSpec, Workload]]) -> Ints:
        """Placement kind of each of `rows` under each of several questions: array of (questions, rows)."""
        found = np.empty((len(questions), len(rows)), dtype=np.int64)
        for i, (planner, table) in enumerate(zip(self.planners, self.tables, strict=True)):
            ours = self.engine[rows] == i
            if ours.any():
                found[:, ours] = planner.screen_kinds(table, self.local[rows[ours]], questions)
        return found

    def barred(self, codes: Codes) -> Codes:
        """Returns `codes` with UNKNOWN_LAYOUT or ENGINE set for models that meet every requirement but cannot be
        planned.

        ENGINE: no engine reads any of the model's builds. UNKNOWN_LAYOUT: none of the readable builds has a known
        layout.
        """
        found = codes.copy()
        meets = found == MEETS
        found[meets & ~self.known] = UNKNOWN_LAYOUT
        found[meets & ~self.served] = ENGINE
        return found


def _whole(parts: list[Ints]) -> Ints:
    found: Ints = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
    return found


@dataclass(frozen=True, slots=True)
class Index:
    """Lookup tables over one catalog version; arrays have one entry per model."""

    catalog: Catalog
    traits: Traits
    strengths: dict[str, Strengths]  # by use case
    successor: Ints  # index of the model that supersedes this one, or NOBODY
    place: Ints  # position in slug order, the tie-breaker
    numbers: dict[str, int]  # slug -> index into the catalog
    builds: dict[str, tuple[ModelSpec, BuildSpec]]  # by build id
    published: dict[str, list[BuildSpec]]  # by file name of the first shard
    _rows: dict[tuple[str, ...], Rows] = field(default_factory=dict)

    @classmethod
    def of(cls, catalog: Catalog) -> Index:
        models = catalog.models
        numbers = {model.slug: i for i, model in enumerate(models)}
        return cls(
            catalog=catalog,
            traits=Traits.of(models),
            strengths={use_case: Strengths.of(models, use_case) for use_case in USE_CASES},
            successor=np.array([numbers.get(m.superseded_by or "", NOBODY) for m in models], dtype=np.int64),
            place=np.argsort(np.argsort(np.array([m.slug for m in models], dtype=object))),
            numbers=numbers,
            builds={build.id: (model, build) for model in models for build in model.builds},
            published=_published(models),
        )

    def model(self, slug: str) -> ModelSpec | None:
        return self.catalog.models[self.numbers[slug]] if slug in self.numbers else None

    def rows(self, engines: tuple[str, ...] | None = None) -> Rows:
        """Rows for the given engines, or for all engines when None; cached per set of engines."""
        planners = planners_of(engines)
        key = tuple(planner.NAME for planner in planners)
        if key not in self._rows:
            self._rows[key] = Rows.of(self.catalog, planners)
        return self._rows[key]

    def strongest(self, models: Ints, workload: Workload, last: Ints) -> Ints:
        """`models` sorted by `last`, then lower quality bound descending; those without evidence last in each group."""
        judged = self.strengths[workload.use_case]
        order = np.lexsort((self.place[models], -judged.low[models], judged.unproved[models], last))
        found: Ints = models[order]
        return found


def _smallest(bits: list[float], build: list[int], models: tuple[ModelSpec, ...], ends: list[int]) -> Ints:
    """Per model, the row of its smallest build above the quality floor: the build that a rejection refers to."""
    found = []
    for i, model in enumerate(models):
        rows = range(ends[i], ends[i + 1])
        above = [row for row in rows if bits[row] >= LEAST_BITS] or rows
        builds = {row: model.builds[build[row]] for row in above}
        found.append(min(above, key=lambda row: (builds[row].bytes, builds[row].id), default=NOBODY))
    return np.array(found, dtype=np.int64)


def _layouts(models: tuple[ModelSpec, ...], builds: Ints, smallest: list[int]) -> list[int]:
    numbers: dict[object, int] = {}
    found = []
    for model, row in zip(models, smallest, strict=True):
        build = None if row == NOBODY else model.builds[builds[row]]
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
