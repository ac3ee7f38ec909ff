"""One model's standing among those that run on a machine: which it beats there, and which beat it."""

from __future__ import annotations

from functools import partial
from typing import Any

from advisor.answers import cache, compare_plans, wording
from advisor.answers.compare_machines import brief
from advisor.fit.ranking.plans import pace
from advisor.fit.ranking.rank import rank
from advisor.fit.spec import Result
from advisor.fit.use_cases import USE_CASES
from advisor.question.parse import Question
from advisor.selectors.catalog import find_model

AGAINST = 100  # best answers of the machine that a model is compared with
SHOWN = 8


def model_rank(question: Question, slug: str) -> dict[str, Any] | None:
    """A model's best plan compared with the best answers to the same question; None for one that cannot be advised.

    One beats another that is neither stronger nor faster, but weaker or slower (Pareto dominance). `beats` and
    `beaten_by` are counts, `below` and `above` the strongest of them; `reason` says in words why there is no
    comparison.
    """
    of = compare_plans.Asked.of(question)
    spec = find_model(slug)
    if spec is None:
        return None
    use = USE_CASES[question.workload.use_case].words
    found = {"use": use, "context": question.workload.context, "reason": None, "own": None}
    own = of.best(slug)
    if own is None:
        return found | {"reason": f"It does not run so. {compare_plans.why_not(of, spec)}"}
    if own.strength.basis == "none":
        return found | {"reason": "Nothing is published about it for this, so it is not held against others."}
    others = [r for r in best(of) if r.plan.model.slug != slug and r.strength.basis != "none"]
    below, above = [r for r in others if beats(own, r)], [r for r in others if beats(r, own)]
    return found | {
        "own": shown(own),
        "others": len(others),
        "beats": len(below),
        "beaten_by": len(above),
        "below": [against(own, r, ("behind", "slower")) for r in strongest(below)],
        "above": [against(own, r, ("ahead", "faster")) for r in strongest(above)],
    }


def best(of: compare_plans.Asked) -> list[Result]:
    q = of.question
    key = ("standing", of.index.catalog.version, q.host, q.workload, q.prefer)
    ranked = partial(rank, of.index, q.host, q.workload, prefer=q.prefer, limit=AGAINST)
    return list(cache.cached(key, lambda: ranked().results))


def merits(result: Result) -> tuple[float, float]:
    """Quality net of the quantization loss, and tokens per second."""
    return result.strength.score - result.quantization_loss, pace(result.plan).mid


def beats(one: Result, other: Result) -> bool:
    ours, theirs = merits(one), merits(other)
    return ours != theirs and all(a >= b for a, b in zip(ours, theirs, strict=True))


def strongest(results: list[Result]) -> list[Result]:
    return sorted(results, key=lambda r: (-merits(r)[0], -merits(r)[1], r.plan.model.slug))[:SHOWN]


def shown(result: Result) -> dict[str, Any]:
    placement = wording.PLACEMENTS.get(result.plan.placement, result.plan.placement)
    key = f"{result.plan.build.id}{compare_plans.AT}{result.plan.placement}"
    return brief(result) | {"key": key, "placement_words": placement}


def against(own: Result, other: Result, words: tuple[str, str]) -> dict[str, Any]:
    """The other result for the page, with the difference in words; `words` are ("ahead", "faster") or the opposite."""
    (quality, speed), (their_quality, their_speed) = merits(own), merits(other)
    points, times = round(abs(quality - their_quality)), max(speed, their_speed) / min(speed, their_speed)
    apart = f"{points} point{'s' if points > 1 else ''} {words[0]}" if points else "as good"
    pace = f"{times:.1f} times {words[1]}" if times >= 1.05 else "as fast"
    return shown(other) | {"difference": f"{apart}, {pace}"}
