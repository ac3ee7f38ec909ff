"""Two machines beside each other for one workload: the best of each, what both run and how fast, what only one runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from advisor.answers import cache, documents, wording
from advisor.answers.recommend import decision_digest
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.plans import embeds, pace
from advisor.fit.ranking.rank import rank
from advisor.fit.spec import HostSpec, Result, Workload
from advisor.question.errors import Invalid
from advisor.question.parse import resolve, validated, workload_of
from advisor.selectors.catalog import catalog_index
from advisor.selectors.hosts import host_spec

SHOWN = 5
CONSIDERED = 15  # of each machine's best; the other machine is asked about each of them


@dataclass(frozen=True, slots=True)
class Side:
    """One machine: its host document, what the fit sees of it, and its best results in order."""

    document: dict[str, Any]
    host: HostSpec
    best: tuple[Result, ...]


def compare_machines(words: Mapping[str, str], question: Mapping[str, Any]) -> dict[str, Any]:
    """`words` describes the machines "a" and "b", `question` is one without hardware. Raises Invalid with their names.

    A model that both run is under `common` with the ratio of its speeds, by the better of its two places; one that only
    one of them runs as asked is under `only`.
    """
    asked = validated(dict(question))
    machines = {name: machine(name, text) for name, text in words.items()}
    index = catalog_index()
    key = ("comparison", index.catalog.version, decision_digest(asked, index.catalog.version, machines))
    return cache.cached_document(key, lambda: worked_out(machines, asked, index))


def machine(name: str, text: str) -> dict[str, Any]:
    try:
        return resolve({"text": text})
    except Invalid as error:
        raise Invalid([e | {"field": name} for e in error.errors], error.status) from error


def worked_out(machines: Mapping[str, dict[str, Any]], asked: Mapping[str, Any], index: Index) -> dict[str, Any]:
    workload = workload_of(asked["workload"])
    sides = {name: side(document, index, workload, asked["prefer"]) for name, document in machines.items()}
    plans = {name: {r.plan.model.slug: r for r in s.best} for name, s in sides.items()}
    for name, other in (("a", "b"), ("b", "a")):
        for slug in [slug for slug in plans[other] if slug not in plans[name]]:
            found = alone(index, slug, sides[name].host, workload, asked["prefer"])
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


def side(document: dict[str, Any], index: Index, workload: Workload, prefer: str) -> Side:
    host = host_spec(document)
    return Side(document, host, tuple(rank(index, host, workload, prefer=prefer, limit=CONSIDERED).results))


def alone(
    index: Index, slug: str, host: HostSpec, workload: Workload, prefer: str, *, expand: bool = False
) -> Result | None:
    """The best plan of one model, wherever it would stand among others; with `expand` its other plans too."""
    models = tuple(m for m in index.catalog.models if m.slug == slug)
    one = Index.of(replace(index.catalog, models=models))
    found = rank(one, host, workload, prefer=prefer, limit=1, expand=expand).results
    return found[0] if found else None


def first_place(slug: str, sides: Mapping[str, Side]) -> int:
    return min(r.rank for s in sides.values() for r in s.best if r.plan.model.slug == slug)


def shown(one: Side) -> dict[str, Any]:
    return {
        "hardware": documents.hardware_document(one.document, one.host),
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
