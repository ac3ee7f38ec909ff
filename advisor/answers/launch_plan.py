"""The plan of a launch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from advisor.answers.estimate import build_named, fits, settings_of, stated_plan
from advisor.answers.recommend import recommend
from advisor.engines.installed import usable_by_engine
from advisor.files.local import builds_on_disk
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.plans import ENGINE
from advisor.fit.ranking.rank import rank as ranked
from advisor.fit.ranking.rejections import rejections, stated_rejection
from advisor.fit.spec import BuildSpec, HostSpec, ModelSpec, Plan, Workload
from advisor.question.errors import DoesNotFit, Invalid
from advisor.question.parse import asked_workload, resolve
from advisor.question.serializers import SETTINGS, checked
from advisor.selectors.catalog import catalog_index, find_model
from advisor.selectors.hosts import host_spec, reference_gpus
from hardware.hosts import is_here


def plan_for_launch(
    *,
    host: str,
    model: str | None = None,
    build: str | None = None,
    engine: str | None = None,
    settings: Mapping[str, Any] | None = None,
    workload: Mapping[str, Any] | None = None,
    question: Mapping[str, Any] | None = None,
    rank: int | None = None,
) -> Plan:
    """What a launch on `host` would run, planned on its newest snapshot less what is reserved.

    One of: `model` (its best plan for `workload`, files on disk first), `build` (with `settings` as stated, or its best
    plan for `workload`), `question` with `rank` (that result of its answer). Raises Invalid, or DoesNotFit.
    """
    if engine not in (None, ENGINE):
        raise Invalid([{"field": "engine", "message": f"engine must be {ENGINE}."}])
    machine = host_spec(resolve({"host": host}))
    wanted = asked_workload(workload)
    if question is not None:
        model, build, settings = named_by(question, rank or 1)
    if build is not None:
        found = build_named(build)
        if settings is not None:
            return stated_or_refused(*found, machine, settings, usable_by_engine(machine, host))
        return best_or_refused(found[0], usable_by_engine(machine, host), wanted, frozenset({build}))
    if model is None:
        raise Invalid([{"field": "model", "message": "Name a model, a build or an earlier decision."}])
    spec = find_model(model)
    if spec is None:
        raise Invalid([{"field": "model", "message": f"{model!r} is not a model of this catalog."}])
    local = frozenset(builds_on_disk()) & {b.id for b in spec.builds} if is_here(host) else None
    return best_or_refused(spec, usable_by_engine(machine, host), wanted, local or None)


def named_by(question: Mapping[str, Any], place: int) -> tuple[str, str, dict[str, Any]]:
    """Model, build and settings of one result of an earlier question."""
    results = recommend({**question, "limit": max(place, question.get("limit") or 10), "rejected_limit": 0})["results"]
    if place > len(results):
        raise Invalid(
            [{"field": "rank", "message": f"That answer has {len(results)} results; there is no rank {place}."}]
        )
    chosen = results[place - 1]
    return chosen["model"]["slug"], chosen["build"]["id"], chosen["settings"]


def stated_or_refused(
    model: ModelSpec, build: BuildSpec, host: HostSpec, given: Mapping[str, Any], usable: HostSpec
) -> Plan:
    """The build as stated; `usable` is what of the host the engine there can use, for what was left out."""
    asked, errors = checked(SETTINGS, given)
    if errors:
        raise Invalid([{**error, "field": f"settings.{error['field']}"} for error in errors])
    made = stated_plan(model, build, host, settings_of(asked, build, usable))
    if not fits(made):
        raise DoesNotFit(stated_rejection(made, host, reference_gpus()))
    return made


def best_or_refused(model: ModelSpec, host: HostSpec, workload: Workload, only: frozenset[str] | None) -> Plan:
    """The best plan of one model. A demand of the workload that it misses is a refusal too."""
    index = Index.of(replace(catalog_index().catalog, models=(model,)))
    ranking = ranked(index, host, workload, limit=1, only_builds=only)
    if ranking.results:
        return ranking.results[0].plan
    refused = rejections(index, host, workload, ranking, gpus=reference_gpus(), limit=1)
    raise DoesNotFit(refused[0])
