"""Question -> ordered results: screen every build, plan the promising ones exactly, order by utility."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from advisor.fit import utility
from advisor.fit.placement import KINDS
from advisor.fit.plans import LEAST_BITS, USUAL_BITS, all_plans, loss, parts, plan, too_slow
from advisor.fit.requirements import missed, strength
from advisor.fit.screen import NEVER, Columns, Screened, catalog_columns, screen
from advisor.fit.spec import Catalog, HostSpec, ModelSpec, Plan, Result, Strength, Workload

BUILDS_TRIED = 3  # of one model, best first, before it counts as rejected
OTHERS = 6
CLOSE = 1.08  # an exact score may be this much above its screened one


@dataclass(frozen=True, slots=True)
class Index:
    """A catalog with what is computed once for it."""

    catalog: Catalog
    table: Columns
    losses: NDArray[np.float64]  # points lost to quantization, per build of the table
    rows: dict[int, list[int]]  # model -> rows of the table

    @classmethod
    def of(cls, catalog: Catalog) -> Index:
        table = catalog_columns(catalog)
        rows: dict[int, list[int]] = {}
        for row, model in enumerate(table.model.tolist()):
            rows.setdefault(model, []).append(row)
        owners = zip(table.model.tolist(), table.build.tolist(), strict=True)
        losses = np.array([loss(catalog.models[m], catalog.models[m].builds[b]) for m, b in owners])
        return cls(catalog, table, losses, rows)


@dataclass(slots=True)
class Ranking:
    """Results in order, and what is left to explain, by index into the catalog's models."""

    results: list[Result] = field(default_factory=list)
    barred: dict[int, str] = field(default_factory=dict)  # the requirement that the model misses
    slow: dict[int, Plan] = field(default_factory=dict)  # fits, but misses a demand on speed
    unfit: list[int] = field(default_factory=list)  # no build fits


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may run: its screened score and the rows of its builds, best first."""

    model: int
    score: float
    rows: list[int]
    unproved: bool  # nothing published for the use case: comes after every model that has something


@dataclass(frozen=True, slots=True)
class Planned:
    """A candidate's exact plan. `key` is total: two plans never tie."""

    key: tuple[bool, float, str]
    plan: Plan
    parts: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with everything that was computed for it at once."""

    index: Index
    host: HostSpec
    workload: Workload
    prefer: str
    only: frozenset[str] | None
    found: Screened
    scores: NDArray[np.float64]

    def strength(self, model: int) -> Strength:
        return strength(self.index.catalog.models[model], self.workload)


def rank(
    index: Index,
    host: HostSpec,
    workload: Workload,
    *,
    prefer: str = "balanced",
    limit: int = 10,
    only_builds: frozenset[str] | None = None,
    expand: bool = False,
) -> Ranking:
    """The `limit` best models for `workload` on `host`, each with its best plan.

    Args:
        only_builds: when given, no other build is considered (those on disk, or one asked for).
        expand: keep each model's other plans too.
    """
    found = screen(index.table, host, workload)
    asked = Asked(index, host, workload, prefer, only_builds, found, scores(index, found, workload, prefer))
    out = Ranking()
    order = candidates(asked, out)
    kept: list[Planned] = []
    for candidate in order:
        if len(kept) >= limit and beaten(candidate, sorted(p.key for p in kept)[limit - 1]):
            break
        best = best_plan(asked, candidate, out)
        if best:
            kept.append(best)
    kept = sorted(kept, key=lambda p: p.key)[:limit]
    if len(kept) == limit:
        leave_unproved(asked, order, {p.plan.model.slug for p in kept}, out)
    front = pareto([p.plan for p in kept], workload)
    out.results = [
        Result(
            rank=place,
            score=-one.key[1],
            parts=dict(zip(utility.PARTS, one.parts, strict=True)),
            plan=one.plan,
            strength=strength(one.plan.model, workload),
            quantization_loss=loss(one.plan.model, one.plan.build, one.plan.settings.kv_type_k),
            pareto=on_front,
            reasons=(),
            others=tuple(others(host, workload, one.plan)) if expand else (),
        )
        for place, (one, on_front) in enumerate(zip(kept, front, strict=True), start=1)
    ]
    return out


def scores(index: Index, found: Screened, workload: Workload, prefer: str) -> NDArray[np.float64]:
    """Utility per build by the screened figures."""
    judged = [strength(model, workload) for model in index.catalog.models]
    score = np.array([s.score for s in judged])[index.table.model]
    low = np.array([s.low for s in judged])[index.table.model]
    more = np.where(found.fill > 0, found.headroom * found.need / np.maximum(found.fill, 1.0), workload.context)
    result: NDArray[np.float64] = utility.utility(
        prefer,
        (
            utility.quality_part(score, low, index.losses),
            utility.speed_part(workload, prefer, found.decode),
            utility.headroom_part(found.headroom),
            utility.context_part(more, workload.context),
        ),
    )
    return result


def candidates(asked: Asked, out: Ranking) -> list[Candidate]:
    """Models that meet the requirements and may fit, by screened score; the others are noted in `out`."""
    models, found = asked.index.catalog.models, []
    for i, model in enumerate(models):
        if asked.only is not None and not any(build.id in asked.only for build in model.builds):
            continue  # not asked about, so nothing to explain either
        reason = missed(model, asked.workload)
        if reason:
            out.barred[i] = reason
        elif rows := rows_of(asked, i):
            unproved = asked.strength(i).basis == "none"
            found.append(Candidate(i, float(asked.scores[rows[0]]), rows, unproved))
        else:
            out.unfit.append(i)
    runnable = {models[c.model].slug for c in found}
    for c in found:
        if models[c.model].superseded_by in runnable:
            out.barred[c.model] = "superseded"
    left = [c for c in found if c.model not in out.barred]
    return sorted(left, key=lambda c: (c.unproved, -c.score, models[c.model].slug))


def rows_of(asked: Asked, model: int) -> list[int]:
    """Rows of a model's builds that may fit, best first: usual quantizations first, none below the floor."""
    table, builds = asked.index.table, asked.index.catalog.models[model].builds
    rows = [
        row
        for row in asked.index.rows.get(model, [])
        if asked.found.kind[row] != NEVER
        and (table.bits[row] >= LEAST_BITS if asked.only is None else builds[table.build[row]].id in asked.only)
    ]
    return sorted(rows, key=lambda row: (table.bits[row] < USUAL_BITS, -asked.scores[row], builds[table.build[row]].id))


def beaten(candidate: Candidate, last: tuple[bool, float, str]) -> bool:
    """Whether a candidate, and so all after it, cannot come before the last plan that is shown."""
    if candidate.unproved != last[0]:
        return candidate.unproved
    return candidate.score * CLOSE < -last[1]


def best_plan(asked: Asked, candidate: Candidate, out: Ranking) -> Planned | None:
    """The best of a model's builds whose exact plan fits and is fast enough; else note in `out` why not.

    The first that will do is held against the best build that stays nearer to the devices: a finer quantization that
    spills into main memory and a coarser one that does not are compared by their exact figures.
    """
    i, rows = candidate.model, candidate.rows
    # A demand on speed may be met only by the fastest build, however it ranks.
    fastest = max(rows, key=lambda row: asked.found.decode[row])
    for row in dict.fromkeys([*rows[:BUILDS_TRIED], fastest]):
        made = exact(asked, i, row)
        if made is None:
            continue
        reason = too_slow(made, asked.workload)
        held = out.slow.get(i)
        if reason and (held is None or made.speed.decode.mid > held.speed.decode.mid):
            out.slow[i] = made
        if reason:
            continue
        out.slow.pop(i, None)
        first = judged(asked, candidate, made)
        nearer = [r for r in rows if asked.found.kind[r] < KINDS.index(made.placement) and r != row]
        other = exact(asked, i, nearer[0]) if nearer else None
        if other is None or too_slow(other, asked.workload):
            return first
        return min(first, judged(asked, candidate, other), key=lambda p: p.key)
    if i not in out.slow:
        out.unfit.append(i)
    return None


def exact(asked: Asked, model: int, row: int) -> Plan | None:
    spec = asked.index.catalog.models[model]
    build = spec.builds[asked.index.table.build[row]]
    return plan(spec, build, asked.host, asked.workload, KINDS[int(asked.found.kind[row]) :])


def judged(asked: Asked, candidate: Candidate, made: Plan) -> Planned:
    detail = parts(made, asked.host, asked.workload, asked.prefer)
    score = float(utility.utility(asked.prefer, detail))
    return Planned((candidate.unproved, -round(score, 6), made.build.id), made, detail)


def leave_unproved(asked: Asked, order: list[Candidate], shown: set[str], out: Ranking) -> None:
    """Models that would run but have nothing published for the use case give way, and that is said of them."""
    for c in order:
        if c.unproved and asked.index.catalog.models[c.model].slug not in shown:
            out.barred.setdefault(c.model, "no_evidence")


def others(host: HostSpec, workload: Workload, best: Plan) -> Iterator[Plan]:
    """A model's further plans: other builds, and other placements of the same."""
    made = 0
    for build in best.model.builds:
        for other in all_plans(best.model, build, host, workload) if build.format == "gguf" else ():
            if (other.build.id, other.placement) != (best.build.id, best.placement) and made < OTHERS:
                made += 1
                yield other


def with_plan(result: Result, other: Plan) -> Result:
    """The result of the same model by another of its plans; its place and score are not worked out anew."""
    return replace(
        result,
        plan=other,
        quantization_loss=loss(other.model, other.build, other.settings.kv_type_k),
        pareto=False,
        others=(),
    )


def pareto(plans: list[Plan], workload: Workload) -> list[bool]:
    """Which plans no other beats in quality, less what quantization costs, and in speed at once."""

    def key(p: Plan) -> tuple[float, float]:
        score = strength(p.model, workload).score - loss(p.model, p.build, p.settings.kv_type_k)
        return score, p.speed.decode.mid

    keys = [key(p) for p in plans]
    return [not any(o != k and all(a >= b for a, b in zip(o, k, strict=True)) for o in keys) for k in keys]


def by_strength(models: tuple[ModelSpec, ...], workload: Workload, indices: list[int]) -> list[int]:
    """Strongest first, those with nothing published last."""

    def key(i: int) -> tuple[bool, float, str]:
        judged = strength(models[i], workload)
        return judged.basis == "none", -judged.low, models[i].slug

    return sorted(indices, key=key)
