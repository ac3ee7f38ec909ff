"""Comparison of two machines for one workload: the best of each, what both run and how fast, what only one runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from advisor.answers import documents, wording
from advisor.answers.cache import keep_answer, known_answer
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.plans import embeds, pace
from advisor.fit.ranking.rank import rank
from advisor.fit.spec import Result
from advisor.question.parse import Question
from advisor.selectors.catalog import catalog_index

SHOWN = 5
CONSIDERED = 15  # best results of each machine that are also looked up on the other machine


@dataclass(frozen=True, slots=True)
class Side:
    """The question about one machine, and its best results in order."""

    question: Question
    best: tuple[Result, ...]

    @classmethod
    def of(cls, question: Question, index: Index) -> Side:
        found = rank(index, question.host, question.workload, prefer=question.prefer, limit=CONSIDERED)
        return cls(question, tuple(found.results))


def compare_machines(questions: Mapping[str, Question]) -> dict[str, Any]:
    """The comparison document; `questions` are the same question about the machines "a" and "b".

    A model that both run is under `common` with the ratio of its speeds, ordered by the better of its two places; one
    that only one of them runs as asked is under `only`.
    """
    index = catalog_index()
    asked = (orjson.dumps(question.asked, option=orjson.OPT_SORT_KEYS) for question in questions.values())
    key = ("comparison", index.catalog.version, *asked)
    answer = known_answer(key)
    if answer is None:
        sides = {name: Side.of(question, index) for name, question in questions.items()}
        answer = keep_answer(key, worked_out(sides, index))
    return answer.document


def worked_out(sides: Mapping[str, Side], index: Index) -> dict[str, Any]:
    plans = {name: {r.plan.model.slug: r for r in s.best} for name, s in sides.items()}
    for name, other in (("a", "b"), ("b", "a")):
        for slug in [slug for slug in plans[other] if slug not in plans[name]]:
            found = alone(index, slug, sides[name].question)
            if found:
                plans[name][slug] = found
    order = sorted({**plans["a"], **plans["b"]}, key=lambda slug: (first_place(slug, sides), slug))
    both = [slug for slug in order if slug in plans["a"] and slug in plans["b"]]
    return {
        "sides": {name: shown(s) for name, s in sides.items()},
        "common": [pair(plans["a"][slug], plans["b"][slug]) for slug in both],
        "only": {
            name: [brief(found[slug]) for slug in order if slug in found.keys() - both] for name, found in plans.items()
        },
    }


def alone(index: Index, slug: str, question: Question, *, expand: bool = False) -> Result | None:
    """The best plan of one model, whatever its rank among others; with `expand` its other plans too."""
    model = index.model(slug)
    if model is None:
        return None
    one = Index.of(replace(index.catalog, models=(model,)))
    ranking = rank(one, question.host, question.workload, prefer=question.prefer, limit=1, expand=expand)
    return ranking.results[0] if ranking.results else None


def first_place(slug: str, sides: Mapping[str, Side]) -> int:
    return min(r.rank for s in sides.values() for r in s.best if r.plan.model.slug == slug)


def shown(one: Side) -> dict[str, Any]:
    return {
        "hardware": documents.hardware_document(one.question.reading),
        "results": [brief(result) for result in one.best[:SHOWN]],
    }


def pair(a: Result, b: Result) -> dict[str, Any]:
    speeds = [pace(result.plan).mid for result in (a, b)]
    return {"name": a.plan.model.name, "a": brief(a), "b": brief(b), "ratio": documents.figure(speeds[0] / speeds[1])}


def brief(result: Result) -> dict[str, Any]:
    plan = result.plan
    return {
        "slug": plan.model.slug,
        "name": plan.model.name,
        "quantization": plan.build.quantization,
        "placement": plan.placement,
        "total": plan.memory.total,
        "pace": documents.span(pace(plan)) | {"words": wording.PACES[embeds(plan.model)]},
        "quality": round(result.strength.score - result.quantization_loss, 1),
    }
