"""Comparison of up to four plans of one question, and the further plans of a model; both on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from advisor.answers import documents, wording
from advisor.answers.compare_machines import alone
from advisor.answers.decision_document import explained_result
from advisor.answers.explain import licence
from advisor.answers.plan_or_refusal import best_or_refused
from advisor.files.local import builds_on_disk
from advisor.fit.engines.base import KINDS
from advisor.fit.ranking.plans import all_plans, with_plan
from advisor.fit.ranking.rank import Index
from advisor.fit.spec import ModelSpec, Plan, Result
from advisor.question.errors import DoesNotFit
from advisor.question.parse import Question
from advisor.selectors.catalog import catalog_index, find_build

MOST = 4
AT = "@"  # separates build and placement in a link


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the current catalog and files."""

    question: Question
    index: Index
    paths: Mapping[str, str]

    @classmethod
    def of(cls, question: Question) -> Asked:
        index = catalog_index()
        return cls(question, index, builds_on_disk(index))

    def best(self, slug: str, *, expand: bool = False) -> Result | None:
        """The best plan of one model, whatever its rank among others."""
        return alone(self.index, slug, self.question, expand=expand)


def plan_key(document: Mapping[str, Any]) -> str:
    """The key that identifies a result's plan in a link."""
    return f"{document['build']['id']}{AT}{document['placement']}"


def plans_of_model(question: Question, slug: str) -> list[dict[str, Any]]:
    """All plans of one model that fit, the best first, the others by placement, closest to the devices first.

    Empty where nothing fits.
    """
    of = Asked.of(question)
    return [shown(of, result) for result in every(of, slug)]


def every(of: Asked, slug: str) -> list[Result]:
    best = of.best(slug, expand=True)
    if best is None:
        return []
    others = [with_plan(best, plan) for plan in best.others]
    others.sort(key=lambda r: (KINDS.index(r.plan.placement), r.quantization_loss, r.plan.build.id))
    return [replace(best, others=()), *others]


def shown(of: Asked, result: Result) -> dict[str, Any]:
    """A result for the page, with its quality net of the quantization loss, and its cost where asked."""
    document = explained_result(result, of.question, of.index, of.paths)
    loss = result.quantization_loss
    quality = {name: max(0.0, getattr(result.strength, name) - loss) for name in ("score", "low", "high")}
    decorated = wording.page_result(
        document, launchable=False, names=[device.name for device in of.question.host.devices]
    )
    return decorated | {"key": plan_key(document), "net": quality, "licence_words": licence(result.plan.model)}


def side_by_side(question: Question, picks: Sequence[str]) -> dict[str, Any] | None:
    """`columns`, one a pick, at most four; `notes` on picks that were replaced or left out. None for no picks.

    A plan that the question no longer gives is replaced by the model's best one, with a note.
    """
    if not picks:
        return None
    of = Asked.of(question)
    columns: dict[str, dict[str, Any]] = {}
    notes = []
    for pick in picks[:MOST]:
        result, note = picked(of, pick)
        notes += [note] if note else []
        if result:
            column = shown(of, result)
            columns.setdefault(column["key"], column | {"pick": pick})
    if len(picks) > MOST:
        notes.append(f"{MOST} plans fit beside each other: the first {MOST} of the {len(picks)} marked are shown.")
    return {"columns": marked(list(columns.values())), "notes": notes}


def picked(of: Asked, pick: str) -> tuple[Result | None, str | None]:
    """The plan that a link names, or its replacement with a sentence that says so, or None with the reason."""
    name, _, placement = pick.partition(AT)
    found = find_build(name)
    if found is None:
        return None, f"{name!r} is not a build of this catalog."
    model, build = found
    best = of.best(model.slug)
    if best is None:
        return None, f"{model.name} does not run as asked. {why_not(of, model)}"
    near = [best.plan] if best.plan.build.id == name else []
    near += all_plans(model, build, of.question.host, of.question.workload)
    exact = [plan for plan in near if plan.placement == placement]
    plan = (exact or near or [best.plan])[0]
    result = best if plan is best.plan else with_plan(best, plan)
    if near and (exact or not placement):
        return result, None
    return result, f"{model.name} no longer runs as it was marked: shown is {called(plan)}."


def why_not(of: Asked, model: ModelSpec) -> str:
    try:
        best_or_refused(model, of.question.host, of.question.workload, None)
    except DoesNotFit as refused:
        verdict = documents.rejection_document(refused.rejection)
        return str(wording.page_rejection(verdict, model.name)["words"])
    return ""


def called(plan: Plan) -> str:
    return f"{plan.build.quantization}, {wording.PLACEMENTS.get(plan.placement, plan.placement)}"


def marked(columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Marks the best column of each row, unless there is a tie."""
    measures = {
        "memory": [-c["memory"]["total"] for c in columns],
        "speed": [c["pace"]["mid"] for c in columns],
        "first": [-c["speed"]["first_token_seconds"]["mid"] for c in columns],
        "quality": [c["net"]["score"] if c["quality"]["basis"] != "none" else -1.0 for c in columns],
        "cost": [-spent(c) for c in columns],
    }
    tops = {name: max(values, default=0.0) for name, values in measures.items()}
    best = {name for name, values in measures.items() if len(values) > 1 and values.count(tops[name]) == 1}
    return [
        column | {"best": [name for name in measures if name in best and measures[name][at] == tops[name]]}
        for at, column in enumerate(columns)
    ]


def spent(column: Mapping[str, Any]) -> float:
    found = column.get("cost") or {}
    total = found.get("total_per_million") or found.get("energy_per_million")
    return float(total["mid"]) if total else float("inf")
