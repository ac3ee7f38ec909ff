"""The plan of one build or one model, as stated or the best one, or the refusal with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from advisor.fit.engines.base import BadSetting, Planner
from advisor.fit.engines.registry import planners
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.plans import planned
from advisor.fit.ranking.rank import rank as ranked
from advisor.fit.ranking.rejections import rejections, stated_rejection
from advisor.fit.spec import BuildSpec, HostSpec, ModelSpec, Plan, Workload
from advisor.question.errors import DoesNotFit, Invalid
from advisor.selectors.catalog import catalog_index, find_build
from advisor.selectors.hosts import reference_gpus


def planner_named(engine: str) -> Planner:
    """The planner of an engine. Raises Invalid for an unknown one."""
    known = planners()
    if engine not in known:
        told = f"must be {' or '.join(known)}" if known else "cannot be chosen: no engine is known here"
        raise Invalid([{"field": "engine", "message": f"engine {told}."}])
    return known[engine]


def build_named(key: str, engines: Sequence[str]) -> tuple[Planner, ModelSpec, BuildSpec]:
    """A build with the planner of the first of these engines that serves it. Raises Invalid."""
    found = find_build(key)
    if found is None:
        raise Invalid([{"field": "build", "message": f"{key!r} is not a build of this catalog."}])
    model, build = found
    able = (planners()[name] for name in engines if build.sizes and build.format in planners()[name].FORMATS)
    planner = next(able, None)
    if planner is None:
        named = " or ".join(engines) or "any engine"
        message = f"The layout of {key!r} is not known to {named}, so nothing is promised of it."
        raise Invalid([{"field": "build", "message": message}])
    return planner, model, build


def stated_plan(planner: Planner, model: ModelSpec, build: BuildSpec, host: HostSpec, settings: Any) -> Plan:
    """The plan of the build with exactly these settings. Raises Invalid for settings that this machine cannot run."""
    try:
        placed = planner.stated(build, host, settings)
    except BadSetting as error:
        raise Invalid([{"field": f"settings.{error.field}", "message": str(error)}]) from error
    outline = planner.outline(build, settings)
    tokens = max(1, outline.context // outline.slots)
    return planned(planner, model, build, host, placed, prompt_tokens=tokens)


def fits(made: Plan) -> bool:
    return min(made.margins, default=0) >= 0 and (made.host_margin is None or made.host_margin >= 0)


def stated_or_refused(planner: Planner, model: ModelSpec, build: BuildSpec, host: HostSpec, settings: Any) -> Plan:
    made = stated_plan(planner, model, build, host, settings)
    if not fits(made):
        raise DoesNotFit(stated_rejection(made, host, reference_gpus()))
    return made


def best_or_refused(model: ModelSpec, host: HostSpec, workload: Workload, only: frozenset[str] | None) -> Plan:
    """The best plan of one model. Raises DoesNotFit, also where it misses a requirement of the workload."""
    index = Index.of(replace(catalog_index().catalog, models=(model,)))
    ranking = ranked(index, host, workload, limit=1, only_builds=only)
    if ranking.results:
        return ranking.results[0].plan
    refused = rejections(index, host, workload, ranking, gpus=reference_gpus(), limit=1)
    raise DoesNotFit(refused[0])
