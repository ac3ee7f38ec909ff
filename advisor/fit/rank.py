"""Question -> ordered results: screen every build, plan the promising ones exactly, order by utility, mark the Pareto front."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from advisor.fit import utility
from advisor.fit.placement import KINDS
from advisor.fit.plans import LEAST_BITS, USUAL_BITS, all_plans, loss, parts, plan, too_slow
from advisor.fit.requirements import missed, strength
from advisor.fit.screen import NEVER, Columns, Screened, catalog_columns, screen
from advisor.fit.spec import Catalog, HostSpec, ModelSpec, Plan, Result, Workload

BUILDS_TRIED = 3  # of one model, best first, before it counts as rejected
OTHERS = 6
CLOSE = 1.08  # a screened score may be this much below its exact one


@dataclass(frozen=True, slots=True)
class Index:
    """A catalog with what is computed once for it."""

    catalog: Catalog
    table: Columns
    losses: np.ndarray  # points lost to quantization, per build of the table
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
    """Results in order, and what is left to explain."""

    results: list[Result] = field(default_factory=list)
    barred: dict[int, str] = field(default_factory=dict)  # model index -> requirement it misses
    slow: dict[int, Plan] = field(default_factory=dict)  # fits, but misses a speed demand
    unfit: list[int] = field(default_factory=list)  # no build fits
    screened: Screened | None = None


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
    out = Ranking()
    models = index.catalog.models
    for i, model in enumerate(models):
        reason = missed(model, workload)
        if reason:
            out.barred[i] = reason
    found = screen(index.table, host, workload)
    out.screened = found
    scores = approximate(index, found, workload, prefer)
    order: list[tuple[float, int, list[int]]] = []
    for i in range(len(models)):
        if i in out.barred:
            continue
        rows = candidates(index, found, scores, i, only_builds)
        if rows:
            order.append((scores[rows[0]], i, rows))
        elif only_builds is None:
            out.unfit.append(i)
    runnable = {models[i].slug for _, i, _ in order}
    for _, i, _ in order:
        if models[i].superseded_by in runnable:
            out.barred[i] = "superseded"
    order = [entry for entry in order if entry[1] not in out.barred]
    order.sort(
        key=lambda entry: (strength(models[entry[1]], workload).basis == "none", -entry[0], models[entry[1]].slug)
    )

    kept: list[tuple[tuple[bool, float, str], Plan, tuple[float, ...]]] = []
    for approximated, i, rows in order:
        evidence_free = strength(models[i], workload).basis == "none"
        if len(kept) >= limit:
            last = sorted(entry[0] for entry in kept)[limit - 1]
            if evidence_free > last[0] or (evidence_free == last[0] and approximated * CLOSE < -last[1]):
                break
        best = best_plan(index, host, workload, i, rows, out)
        if best:
            detail = parts(best, host, workload)
            score = float(utility.utility(prefer, detail))  # type: ignore[arg-type]
            kept.append(((evidence_free, -round(score, 6), best.build.id), best, detail))
    kept.sort(key=lambda entry: entry[0])
    if len(kept) >= limit:
        leave_unproved(index, workload, {entry[1].model.slug for entry in kept[:limit]}, order, out)
    out.results = finished(index, host, workload, kept[:limit], found, expand)
    return out


def approximate(index: Index, found: Screened, workload: Workload, prefer: str) -> np.ndarray:
    """Utility per build by the screened figures."""
    judged = [strength(model, workload) for model in index.catalog.models]
    score = np.array([s.score for s in judged])[index.table.model]
    low = np.array([s.low for s in judged])[index.table.model]
    room = np.maximum(found.fill, 1.0)
    more = np.where(found.fill > 0, found.headroom * found.need / room, workload.context)
    return utility.utility(
        prefer,
        (
            utility.quality_part(score, low, index.losses),
            utility.speed_part(workload.use_case, found.decode),
            utility.headroom_part(found.headroom),
            utility.context_part(more, workload.context),
        ),
    )


def candidates(index: Index, found: Screened, scores: np.ndarray, model: int, only: frozenset[str] | None) -> list[int]:
    """Rows of a model's builds that may fit, best first: the usual quantizations before those below them, none below the floor."""
    builds = index.catalog.models[model].builds
    rows = [
        row
        for row in index.rows.get(model, [])
        if found.kind[row] != NEVER
        and (only is None or builds[index.table.build[row]].id in only)
        and (index.table.bits[row] >= LEAST_BITS or only is not None)
    ]
    rows.sort(key=lambda row: (index.table.bits[row] < USUAL_BITS, -scores[row], builds[index.table.build[row]].id))
    return rows


def best_plan(index: Index, host: HostSpec, workload: Workload, i: int, rows: list[int], out: Ranking) -> Plan | None:
    """The first of a model's builds whose exact plan fits and is fast enough; else note why not."""
    model = index.catalog.models[i]
    assert out.screened is not None
    # A demand on speed may be met only by the fastest build, however it ranks.
    fastest = max(rows, key=lambda row: out.screened.decode[row])  # type: ignore[union-attr]
    for row in dict.fromkeys([*rows[:BUILDS_TRIED], fastest]):
        build = model.builds[index.table.build[row]]
        made = plan(model, build, host, workload, KINDS[int(out.screened.kind[row]) :])
        if made is None:
            continue
        if not too_slow(made, workload):
            out.slow.pop(i, None)
            return made
        held = out.slow.get(i)
        if held is None or made.speed.decode.mid > held.speed.decode.mid:
            out.slow[i] = made
    if i not in out.slow:
        out.unfit.append(i)
    return None


def leave_unproved(
    index: Index, workload: Workload, shown: set[str], order: list[tuple[float, int, list[int]]], out: Ranking
) -> None:
    """Models that would run but have no result for the use case give way to those that have one, and are told so."""
    for _, i, _ in order:
        model = index.catalog.models[i]
        if model.slug not in shown and strength(model, workload).basis == "none":
            out.barred.setdefault(i, "no_evidence")


def finished(
    index: Index,
    host: HostSpec,
    workload: Workload,
    kept: list[tuple[tuple[bool, float, str], Plan, tuple[float, ...]]],
    found: Screened,
    expand: bool,
) -> list[Result]:
    front = pareto([entry[1] for entry in kept], workload)
    results = []
    for place, ((_, negative, _), made, detail) in enumerate(kept, start=1):
        results.append(
            Result(
                rank=place,
                score=-negative,
                parts=dict(zip(utility.PARTS, detail, strict=True)),
                plan=made,
                strength=strength(made.model, workload),
                quantization_loss=loss(made.model, made.build, made.settings.kv_type_k),
                pareto=front[place - 1],
                reasons=(),
                others=tuple(others(index, host, workload, made)) if expand else (),
            )
        )
    return results


def others(index: Index, host: HostSpec, workload: Workload, best: Plan) -> Iterator[Plan]:
    """A model's further plans: other builds, and other placements of the same."""
    made = 0
    for build in best.model.builds:
        for other in all_plans(best.model, build, host, workload) if build.format == "gguf" else ():
            if (other.build.id, other.placement) != (best.build.id, best.placement) and made < OTHERS:
                made += 1
                yield other


def pareto(plans: list[Plan], workload: Workload) -> list[bool]:
    """Which plans no other beats in quality, speed and memory at once."""

    def key(p: Plan) -> tuple[float, float, float]:
        judged = strength(p.model, workload)
        return (judged.low - loss(p.model, p.build, p.settings.kv_type_k), p.speed.decode.mid, -p.memory.total)

    keys = [key(p) for p in plans]
    return [not any(o != k and all(a >= b for a, b in zip(o, k, strict=True)) for o in keys) for k in keys]


def by_strength(models: tuple[ModelSpec, ...], workload: Workload, indices: list[int]) -> list[int]:
    """Strongest first, evidence before inference before nothing."""
    basis = {"evidence": 0, "inferred": 1, "none": 2}

    def key(i: int) -> tuple[int, float, str]:
        judged = strength(models[i], workload)
        return basis[judged.basis] // 2, -judged.low, models[i].slug

    return sorted(indices, key=key)
