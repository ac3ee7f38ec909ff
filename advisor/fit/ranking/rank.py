"""Ranks a catalog for a workload: screens every build, plans the promising ones exactly, sorts by utility."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from advisor.fit.engines.base import KINDS, NEVER, Bools, Floats, Ints, Screened
from advisor.fit.ranking import utility
from advisor.fit.ranking.catalog_arrays import NOBODY, Index, Rows, Strengths
from advisor.fit.ranking.filters import MEETS, Codes, missed, strength
from advisor.fit.ranking.plans import (
    LEAST_BITS,
    USUAL_BITS,
    best_plan_of,
    other_plans,
    parts,
    plan_loss,
    too_slow,
)
from advisor.fit.spec import REASONS, HostSpec, Plan, Result, Workload

BUILDS_TRIED = 3  # builds planned exactly per model, best first, before the model is rejected
SUPERSEDED, NO_EVIDENCE = (REASONS.index(reason) for reason in ("superseded", "no_evidence"))


@dataclass(slots=True)
class Ranking:
    """Ranked results, and per model of the catalog why it was left out."""

    rows: Rows  # builds and engines that were considered
    barred: Codes  # per model: index of the missed requirement, or MEETS
    unfit: Bools  # per model: no build fits
    slow: dict[int, Plan] = field(default_factory=dict)  # by model: fits, but misses a speed requirement
    results: list[Result] = field(default_factory=list)

    @property
    def left_out(self) -> Ints:
        """Indices of the models that need a rejection."""
        missing = (self.barred != MEETS) | self.unfit
        missing[list(self.slow)] = True
        return np.flatnonzero(missing)

    def reason(self, model: int) -> str | None:
        """Reason code of the requirement that the model misses, or None."""
        return None if self.barred[model] == MEETS else REASONS[self.barred[model]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may run, with the screened score of its best build."""

    model: int
    score: float
    unproved: bool  # no evidence for the use case: ranks after every model that has some
    reach: float  # upper bound of its exact score
    sure: bool  # fits whatever the error of the screen


@dataclass(frozen=True, slots=True)
class Planned:
    """The exact plan of a candidate. `key` is a total order: two plans never tie."""

    key: tuple[bool, float, str, str]
    plan: Plan
    parts: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with the arrays computed for all rows."""

    index: Index
    rows: Rows
    host: HostSpec
    workload: Workload
    prefer: str
    found: Screened
    able: Bools  # per row: may fit, and is considered
    scores: Floats  # per row: screened utility; meaningful only where `able`

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
        engines: engines to consider; None for all.
        only_builds: when given, consider only these build ids (builds on disk, or one named in the question).
        expand: also return the other plans of each model.
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
            others=tuple(other_plans(host, workload, one.plan)) if expand else (),
        )
        for place, (one, on_front) in enumerate(zip(kept, front, strict=True), start=1)
    ]
    return out


def scores(index: Index, rows: Rows, found: Screened, workload: Workload, prefer: str) -> Floats:
    """Utility 0..100 per row, from screened figures."""
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
    """Models that meet the requirements and may fit, best screened score first, and per model its best score.

    Updates `out`: marks models superseded by another candidate, and clears `unfit` where some build may fit.
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
    """Maximum of `values` over the rows of each model; -inf for a model without rows."""
    found = np.full(len(rows.ends) - 1, -np.inf)
    owners = np.flatnonzero(np.diff(rows.ends))
    if len(owners):
        found[owners] = np.maximum.reduceat(values, rows.ends[owners])
    return found


def considered(index: Index, rows: Rows, only: frozenset[str] | None) -> tuple[Bools, Bools]:
    """Masks of models and rows to consider: rows above the quality floor, or exactly `only` at any quantization."""
    if only is None:
        return np.ones(len(index.catalog.models), dtype=bool), rows.bits >= LEAST_BITS
    models, builds = np.zeros(len(index.catalog.models), dtype=bool), np.zeros(len(rows.bits), dtype=bool)
    for model in (index.numbers[index.builds[key][0].slug] for key in only if key in index.builds):
        models[model] = True
        for row in rows.of_model(model):
            builds[row] = rows.at(row)[2].id in only
    return models, builds


def rows_of(asked: Asked, model: int) -> list[int]:
    """Rows of a model that may fit, best first; quantizations below USUAL_BITS come last."""
    rows = asked.rows

    def key(row: int) -> tuple[bool, float, str, int]:
        return rows.bits[row] < USUAL_BITS, -asked.scores[row], rows.at(row)[2].id, int(rows.engine[row])

    return sorted((row for row in rows.of_model(model) if asked.able[row]), key=key)


def candidate_of(asked: Asked, model: int, score: float) -> Candidate:
    """The candidate with its upper bound and whether it fits for certain.

    `sure` holds when the screen places the best build entirely on the devices or entirely on the host with memory to
    spare, and the workload sets no speed requirement that the exact plan could miss.
    """
    first = rows_of(asked, model)[0]
    demands = asked.workload.min_decode_tokens_per_second, asked.workload.max_first_token_seconds
    close = asked.rows.at(first)[0].CLOSE[KINDS[int(asked.found.kind[first])]]
    sure = demands == (None, None) and bool(asked.found.sure[first])
    return Candidate(model, score, bool(asked.judged.unproved[model]), score * close, sure)


def beaten(candidate: Candidate, last: tuple[bool, float, str, str], reach: float) -> bool:
    """Whether a candidate with an exact score of at most `reach` cannot rank above the last plan shown."""
    if candidate.unproved != last[0]:
        return candidate.unproved
    return reach < -last[1]


def best_plan(asked: Asked, candidate: Candidate, out: Ranking) -> Planned | None:
    """The best build of a model whose exact plan fits and is fast enough, or None with the reason recorded in `out`.

    The first such plan is compared by exact figures with the best build that keeps more on the devices, so that a finer
    quantization that spills to host memory competes with a coarser one that does not.
    """
    i, rows = candidate.model, rows_of(asked, candidate.model)
    # A speed requirement may be met only by the fastest build, wherever it ranks.
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
    """Marks models that would run but were displaced for lack of evidence for the use case as NO_EVIDENCE."""
    shown = [asked.index.numbers[one.plan.model.slug] for one in kept]
    unproved = order[asked.judged.unproved[order]]
    out.barred[unproved[~np.isin(unproved, shown)]] = NO_EVIDENCE


def pareto(plans: list[Plan], workload: Workload) -> list[bool]:
    """Per plan, whether it is on the Pareto front of quality (after quantization loss) and decode speed."""

    def key(p: Plan) -> tuple[float, float]:
        score = strength(p.model, workload).score - plan_loss(p)
        return score, p.speed.decode.mid

    keys = [key(p) for p in plans]
    return [not any(o != k and all(a >= b for a, b in zip(o, k, strict=True)) for o in keys) for k in keys]
