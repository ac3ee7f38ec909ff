"""Memory and speed of one build with stated settings."""

from __future__ import annotations

from advisor.answers import documents
from advisor.answers.plan_or_refusal import build_named, fits, planner_named, stated_plan
from advisor.answers.shapes import Estimate
from advisor.files.local import builds_on_disk
from advisor.fit.engines.base import Planner
from advisor.fit.spec import FIT_VERSION
from advisor.question.errors import Invalid
from advisor.question.parse import EstimateQuestion
from advisor.selectors.catalog import catalog_index, find_model


def estimate(question: EstimateQuestion) -> Estimate:
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


def build_key(planner: Planner, slug: str, quantization: str) -> str:
    """Id of a model's build at this quantization, preferring one read from a file over a computed one."""
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
