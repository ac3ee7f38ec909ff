"""Plans a launch on a reading of its host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from advisor.answers.plan_or_refusal import (
    best_or_refused,
    build_named,
    planner_named,
    stated_or_refused,
)
from advisor.answers.recommend import index_for, ranking_of
from advisor.engines.installed import as_run_here, usable_here
from advisor.files.local import builds_on_disk
from advisor.fit.engines.registry import planners
from advisor.fit.spec import HostSpec, Plan, Workload
from advisor.question.engine_fields import settings_serializer
from advisor.question.errors import Invalid
from advisor.question.parse import Question, parse, parse_workload, valid, within
from advisor.selectors.catalog import find_model
from advisor.selectors.hosts import Reading
from hardware.hosts import is_here


@dataclass(frozen=True, slots=True)
class Wish:
    """One way to say what to run: a model, a build, or a rank in the answer to an earlier question."""

    model: str | None = None
    workload: Workload = field(default_factory=Workload)
    build: str | None = None
    engine: str | None = None
    settings: Mapping[str, Any] | None = None
    question: Question | None = None
    rank: int = 1


def wish_of(body: Mapping[str, Any], reading: Reading) -> Wish:
    """The wish in a validated body; an earlier question about the same host reuses its reading.

    Raises Invalid.
    """
    question = body.get("question")
    return Wish(
        **{key: body.get(key) for key in ("model", "build", "engine", "settings")},
        workload=parse_workload(body.get("workload")),
        question=None if question is None else parse(question, reading),
        rank=body.get("rank") or 1,
    )


def launch_plan(reading: Reading, wish: Wish) -> Plan:
    """The plan that a launch would run on the host that was read. Raises Invalid or DoesNotFit.

    A model's best plan for the workload, preferring files on disk; a build with its settings as stated, or its best
    plan; or the plan at this rank of an earlier answer.
    """
    if wish.question is not None:
        return plan_at_rank(reading, wish.question, wish.rank)
    here = is_here(reading.host_id)
    engines = [planner_named(wish.engine).NAME] if wish.engine else list(planners())
    host = usable_here(reading.host, engines) if here else reading.host
    if wish.build is not None:
        return plan_of_build(reading, host, wish.build, engines, wish)
    if wish.model is None:
        raise Invalid([{"field": "model", "message": "Name a model, a build or an earlier decision."}])
    spec = find_model(wish.model)
    if spec is None:
        raise Invalid([{"field": "model", "message": f"{wish.model!r} is not a model of this catalog."}])
    local = frozenset(builds_on_disk()) & {b.id for b in spec.builds} if here else None
    return best_or_refused(spec, host, wish.workload, local or None)


def plan_of_build(reading: Reading, host: HostSpec, key: str, engines: list[str], wish: Wish) -> Plan:
    planner, model, build = build_named(key, engines)
    if wish.settings is None:
        return best_or_refused(model, host, wish.workload, frozenset({key}))
    with within("settings"):
        given = valid(settings_serializer(planner.SETTINGS), wish.settings)
    return stated_or_refused(planner, model, build, reading.host, planner.read_settings(given, build, host))


def plan_at_rank(reading: Reading, question: Question, place: int) -> Plan:
    """The plan at this rank of the answer to an earlier question, as it would run on the host that was read."""
    index = index_for(question)
    question = as_run_here(question).but(limit=max(place, question.limit), expand=None)
    results = ranking_of(question, index, builds_on_disk(index)).results
    if place > len(results):
        sentence = f"That answer has {len(results)} results; there is no rank {place}."
        raise Invalid([{"field": "rank", "message": sentence}])
    chosen = results[place - 1].plan
    planner = planner_named(chosen.engine)
    settings = planner.as_planned(chosen.settings, chosen.memory)
    return stated_or_refused(planner, chosen.model, chosen.build, reading.host, settings)
