"""Question -> ordered results: screen every build, plan the promising ones exactly, order by utility."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from advisor.fit.engines.base import KINDS, NEVER, Bools, Floats, Ints, Screened
from advisor.fit.ranking import utility
from advisor.fit.ranking.catalog_arrays import NOBODY, Index, Rows, Strengths
from advisor.fit.ranking.filters import MEETS, Codes, missed, strength
from advisor.fit.ranking.plans import LEAST_BITS, USUAL_BITS, all_plans, best_plan_of, parts, plan_loss, too_slow
from advisor.fit.spec import REASONS, HostSpec, Plan, Result, Workload

BUILDS_TRIED = 3  # of one model, best first, before it counts as rejected
OTHERS = 6
SUPERSEDED, NO_EVIDENCE = (REASONS.index(reason) for reason in ("superseded", "no_evidence"))


@dataclass(slots=True)
class Ranking:
    """Results in order, and what is left to explain, by model of the catalog."""

    rows: Rows  # what was asked about
    barred: Codes  # the requirement that the model misses
    unfit: Bools  # no build fits
    slow: dict[int, Plan] = field(default_factory=dict)  # fits, but misses a demand on speed
    results: list[Result] = field(default_factory=list)

    @property
    def left_out(self) -> Ints:
        """The models that have to be explained."""
        missing = (self.barred != MEETS) | self.unfit
        missing[list(self.slow)] = True
        return np.flatnonzero(missing)

    def reason(self, model: int) -> str | None:
        """Code of the requirement that the model misses."""
        return None if self.barred[model] == MEETS else REASONS[self.barred[model]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may run, with its best build's screened score."""

    model: int
    score: float
    unproved: bool  # nothing published for the use case: comes after every model that has something
    reach: float  # what its exact score is not above
    sure: bool  # fits without doubt, however the exact sums come out


@dataclass(frozen=True, slots=True)
class Planned:
    """A candidate's exact plan. `key` is total: two plans never tie."""

    key: tuple[bool, float, str, str]
    plan: Plan
    parts: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with everything that was computed for it at once."""

    index: Index
    rows: Rows
    host: HostSpec
    workload: Workload
    prefer: str
    found: Screened
    able: Bools  # by row: may fit, and is considered
    scores: Floats  # by row, as far as they are able

    @property
    def judged(self) -> Strengths:
        return self.index.strengths[self.workload.use_case]


def rank(
    index: Index,
    host: HostSpec,
    workload: Workload,
    *,
    engines: tuple[str, ...] | None = None,
    prefer: str = "balanced",
    limit: int = 10,
    only_builds: frozenset[str] | None = None,
    expand: bool = False,
) -> Ranking:
    """The `limit` best models for `workload` on `host`, each with its best plan.

    Args:
        engines: those that may serve; None for all there are.
        only_builds: when given, no other build is considered (those on disk, or one asked for).
        expand: keep each model's other plans too.
    """
    rows = index.rows(engines)
    found = rows.screened(host, workload)
    models, builds = considered(index, rows, only_builds)
    able = builds & (found.kind != NEVER)
    judged = scores(index, rows, found, workload, prefer)
    asked = Asked(index, rows, host, workload, prefer, found, able, judged)
    barred = np.where(models, rows.barred(missed(index.traits, workload)), MEETS)
    out = Ranking(rows, barred, models & (barred == MEETS))
    order, best = candidates(asked, out)
    most_close = max((share for planner in rows.planners for share in planner.CLOSE.values()), default=1.0)
    kept: list[Planned] = []
    for model in order.tolist():
        candidate = candidate_of(asked, model, float(best[model]))
        if len(kept) >= limit:
            last = sorted(p.key for p in kept)[limit - 1]
            if beaten(candidate, last, candidate.score * most_close):
                break
            if candidate.sure and beaten(candidate, last, candidate.reach):
                continue
        planned = best_plan(asked, candidate, out)
        if planned:
            kept.append(planned)
    kept = sorted(kept, key=lambda p: p.key)[:limit]
    if len(kept) == limit:
        leave_unproved(asked, order, kept, out)
    front = pareto([p.plan for p in kept], workload)
    out.results = [
        Result(
            rank=place,
            score=-one.key[1],
            parts=dict(zip(utility.PARTS, one.parts, strict=True)),
            plan=one.plan,
            strength=strength(one.plan.model, workload),
            quantization_loss=plan_loss(one.plan),
            pareto=on_front,
            others=tuple(others(host, workload, one.plan)) if expand else (),
        )
        for place, (one, on_front) in enumerate(zip(kept, front, strict=True), start=1)
    ]
    return out


def scores(index: Index, rows: Rows, found: Screened, workload: Workload, prefer: str) -> Floats:
    """Utility per row by the screened figures."""
    judged, owner = index.strengths[workload.use_case], rows.model
    result: Floats = utility.utility(
        prefer,
        (
            utility.quality_part(judged.score[owner], judged.low[owner], rows.losses + found.cache_loss),
            utility.speed_part(workload, prefer, found.decode, found.first_token),
            utility.headroom_part(found.headroom),
            utility.context_part(found.more, workload.context),
        ),
    )
    return result


def candidates(asked: Asked, out: Ranking) -> tuple[Ints, Floats]:
    """Models that meet the requirements and may fit, by screened score, and by model the score of its best build.

    What is replaced by another of them is noted in `out`; what stays `unfit` there has no build that may fit.
    """
    index, rows, able = asked.index, asked.rows, asked.able
    usual = able & (rows.bits >= USUAL_BITS)
    best = by_model(rows, np.where(usual, asked.scores, -np.inf))
    best = np.where(best > -np.inf, best, by_model(rows, np.where(able, asked.scores, -np.inf)))
    runs = (best > -np.inf) & (out.barred == MEETS)
    out.unfit &= ~runs
    replaced = runs & (index.successor != NOBODY) & runs[index.successor]
    out.barred[replaced] = SUPERSEDED
    found = np.flatnonzero(runs & ~replaced)
    return found[np.lexsort((index.place[found], -best[found], asked.judged.unproved[found]))], best


def by_model(rows: Rows, values: Floats) -> Floats:
    """The largest of each model's rows; minus infinity where it has none."""
    found = np.full(len(rows.ends) - 1, -np.inf)
    owners = np.flatnonzero(np.diff(rows.ends))
    if len(owners):
        found[owners] = np.maximum.reduceat(values, rows.ends[owners])
    return found


def considered(index: Index, rows: Rows, only: frozenset[str] | None) -> tuple[Bools, Bools]:
    """Which models and rows are asked about: those above the quality floor, or `only` those, however packed."""
    if only is None:
        return np.ones(len(index.catalog.models), dtype=bool), rows.bits >= LEAST_BITS
    models, builds = np.zeros(len(index.catalog.models), dtype=bool), np.zeros(len(rows.bits), dtype=bool)
    for model in (index.numbers[index.builds[key][0].slug] for key in only if key in index.builds):
        models[model] = True
        for row in rows.of_model(model):
            builds[row] = rows.at(row)[2].id in only
    return models, builds


def rows_of(asked: Asked, model: int) -> list[int]:
    """Rows of a model's builds that may fit, best first: usual quantizations first, none below the floor."""
    rows = asked.rows

    def key(row: int) -> tuple[bool, float, str, int]:
        return rows.bits[row] < USUAL_BITS, -asked.scores[row], rows.at(row)[2].id, int(rows.engine[row])

    return sorted((row for row in rows.of_model(model) if asked.able[row]), key=key)


def candidate_of(asked: Asked, model: int, score: float) -> Candidate:
    """`sure`: a build that the screen takes to lie whole on the devices, or whole on the host, with room to spare, and
    no demand on speed that could still be missed."""
    first = rows_of(asked, model)[0]
    demands = asked.workload.min_decode_tokens_per_second, asked.workload.max_first_token_seconds
    close = asked.rows.at(first)[0].CLOSE[KINDS[int(asked.found.kind[first])]]
    sure = demands == (None, None) and bool(asked.found.sure[first])
    return Candidate(model, score, bool(asked.judged.unproved[model]), score * close, sure)


def beaten(candidate: Candidate, last: tuple[bool, float, str, str], reach: float) -> bool:
    """Whether a candidate that scores `reach` at most cannot come before the last plan that is shown."""
    if candidate.unproved != last[0]:
        return candidate.unproved
    return reach < -last[1]


def best_plan(asked: Asked, candidate: Candidate, out: Ranking) -> Planned | None:
    """The best of a model's builds whose exact plan fits and is fast enough; else note in `out` why not.

    The first that will do is held against the best build that stays nearer to the devices: a finer quantization that
    spills into main memory and a coarser one that does not are compared by their exact figures.
    """
    i, rows = candidate.model, rows_of(asked, candidate.model)
    # A demand on speed may be met only by the fastest build, however it ranks.
    fastest = max(rows, key=lambda row: asked.found.decode[row])
    for row in dict.fromkeys([*rows[:BUILDS_TRIED], fastest]):
        made = exact(asked, row)
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
        other = exact(asked, nearer[0]) if nearer else None
        if other is None or too_slow(other, asked.workload):
            return first
        return min(first, judged(asked, candidate, other), key=lambda p: p.key)
    if i not in out.slow:
        out.unfit[i] = True
    return None


def exact(asked: Asked, row: int) -> Plan | None:
    kinds = KINDS[int(asked.found.kind[row]) :]
    return best_plan_of(*asked.rows.at(row), asked.host, asked.workload, kinds=kinds)


def judged(asked: Asked, candidate: Candidate, made: Plan) -> Planned:
    detail = parts(made, asked.host, asked.workload, asked.prefer)
    score = float(utility.utility(asked.prefer, detail))
    return Planned((candidate.unproved, -round(score, 6), made.build.id, made.engine), made, detail)


def leave_unproved(asked: Asked, order: Ints, kept: list[Planned], out: Ranking) -> None:
    """Models that would run but have nothing published for the use case give way, and that is said of them."""
    shown = [asked.index.numbers[one.plan.model.slug] for one in kept]
    unproved = order[asked.judged.unproved[order]]
    out.barred[unproved[~np.isin(unproved, shown)]] = NO_EVIDENCE


def others(host: HostSpec, workload: Workload, best: Plan) -> Iterator[Plan]:
    """A model's further plans: other builds, and other placements of the same."""
    made = 0
    for build in best.model.builds:
        for other in all_plans(best.model, build, host, workload):
            same = (other.engine, other.build.id, other.placement) == (best.engine, best.build.id, best.placement)
            if not same and made < OTHERS:
                made += 1
                yield other


def with_plan(result: Result, other: Plan) -> Result:
    """The result of the same model by another of its plans; its place and score are not worked out anew."""
    return replace(
        result,
        plan=other,
        quantization_loss=plan_loss(other),
        pareto=False,
        others=(),
    )


def pareto(plans: list[Plan], workload: Workload) -> list[bool]:
    """Which plans no other beats in quality, less what quantization costs, and in speed at once."""

    def key(p: Plan) -> tuple[float, float]:
        score = strength(p.model, workload).score - plan_loss(p)
        return score, p.speed.decode.mid

    keys = [key(p) for p in plans]
    return [not any(o != k and all(a >= b for a, b in zip(o, k, strict=True)) for o in keys) for k in keys]
