"""What one build takes and how fast it is, with settings as stated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.answers import documents
from advisor.files.local import builds_on_disk
from advisor.fit.engines.base import BadSetting, Planner
from advisor.fit.engines.registry import planners
from advisor.fit.ranking.plans import planned
from advisor.fit.spec import FIT_VERSION, BuildSpec, HostSpec, ModelSpec, Plan
from advisor.question.errors import Invalid
from advisor.question.parse import EstimateQuestion
from advisor.selectors.catalog import catalog_index, find_build, find_model


def estimate(question: EstimateQuestion) -> dict[str, Any]:
    """Memory and speed of one build with given settings on given hardware, whether or not it fits. Raises Invalid."""
    host, engine = question.reading.host, planner_named(question.engine)
    key = question.build or build_key(engine, str(question.model), str(question.quantization))
    planner, model, build = build_named(key, [engine.NAME])
    made = stated_plan(planner, model, build, host, planner.read_settings(question.settings, build, host))
    return {
        "catalog_version": catalog_index().catalog.version,
        "fit_version": FIT_VERSION,
        "hardware": documents.hardware_document(question.reading),
        "fits": fits(made),
        **documents.plan_document(made, host, builds_on_disk().get(build.id)),
    }


def planner_named(engine: str) -> Planner:
    """Raises Invalid."""
    known = planners()
    if engine not in known:
        told = f"must be {' or '.join(known)}" if known else "cannot be chosen: no engine is known here"
        raise Invalid([{"field": "engine", "message": f"engine {told}."}])
    return known[engine]


def build_key(planner: Planner, slug: str, quantization: str) -> str:
    """Id of a model's build with this quantization, one read from a file before one that was computed."""
    spec = find_model(slug)
    if spec is None:
        raise Invalid([{"field": "model", "message": f"{slug!r} is not a model of this catalog."}])
    builds = [build for build in spec.builds if build.format in planner.FORMATS]
    fitting = [build for build in builds if build.quantization.lower() == quantization.lower()]
    if not fitting:
        known = ", ".join(sorted({build.quantization for build in builds})) or "none"
        formats = " and ".join(name.upper() for name in planner.FORMATS)
        message = f"There is no {quantization} build of {slug}; {formats} builds known: {known}."
        raise Invalid([{"field": "quantization", "message": message}])
    return min(fitting, key=lambda build: (build.basis != "exact", build.id)).id


def build_named(key: str, engines: Sequence[str]) -> tuple[Planner, ModelSpec, BuildSpec]:
    """A build with the first of these engines that serves it. Raises Invalid."""
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
    """The build with exactly these settings. Raises Invalid for those that this machine cannot run."""
    try:
        placed = planner.stated(build, host, settings)
    except BadSetting as error:
        raise Invalid([{"field": f"settings.{error.field}", "message": str(error)}]) from error
    outline = planner.outline(build, settings)
    tokens = max(1, outline.context // outline.slots)
    return planned(planner, model, build, host, placed, prompt_tokens=tokens)


def fits(made: Plan) -> bool:
    return min(made.margins, default=0) >= 0 and (made.host_margin is None or made.host_margin >= 0)
