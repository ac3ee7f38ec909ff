"""What one build takes and how fast it is, with settings as stated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.answers import documents
from advisor.files.local import builds_on_disk
from advisor.fit.engines.llama_cpp.placement import as_stated
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.ranking.plans import ENGINE, planned
from advisor.fit.spec import FIT_VERSION, BuildSpec, HostSpec, ModelSpec, Plan, Workload
from advisor.question.errors import Invalid
from advisor.question.parse import EstimateQuestion
from advisor.selectors.catalog import catalog_index, find_build, find_model


def estimate(question: EstimateQuestion) -> dict[str, Any]:
    """Memory and speed of one build with given settings on given hardware, whether or not it fits. Raises Invalid."""
    host = question.reading.host
    model, build = build_named(question.build or build_key(str(question.model), str(question.quantization)))
    made = stated_plan(model, build, host, settings_of(question.settings, build, host))
    return {
        "catalog_version": catalog_index().catalog.version,
        "fit_version": FIT_VERSION,
        "hardware": documents.hardware_document(question.reading),
        "fits": fits(made),
        **documents.plan_document(made, host, builds_on_disk().get(build.id)),
    }


def build_key(slug: str, quantization: str) -> str:
    """Id of a model's GGUF build with this quantization, one read from a file before one that was computed."""
    spec = find_model(slug)
    if spec is None:
        raise Invalid([{"field": "model", "message": f"{slug!r} is not a model of this catalog."}])
    builds = [build for build in spec.builds if build.format == "gguf"]
    fitting = [build for build in builds if build.quantization.lower() == quantization.lower()]
    if not fitting:
        known = ", ".join(sorted({build.quantization for build in builds})) or "none"
        message = f"There is no {quantization} build of {slug}; GGUF builds known: {known}."
        raise Invalid([{"field": "quantization", "message": message}])
    return min(fitting, key=lambda build: (build.basis != "exact", build.id)).id


def build_named(key: str) -> tuple[ModelSpec, BuildSpec]:
    found = find_build(key)
    if found is None:
        raise Invalid([{"field": "build", "message": f"{key!r} is not a build of this catalog."}])
    if found[1].sizes is None or found[1].format != "gguf":
        raise Invalid(
            [
                {
                    "field": "build",
                    "message": f"The layout of {key!r} is not known to {ENGINE}, so nothing is promised of it.",
                }
            ]
        )
    return found


def settings_of(given: Mapping[str, Any], build: BuildSpec, host: HostSpec) -> Settings:
    """Left out, `gpu_layers` is all of them where there is a device: nobody has one to keep it idle."""
    if build.sizes and host.devices and "gpu_layers" not in given and given.get("devices") != 0:
        given = {**given, "gpu_layers": len(build.sizes.layers) + 1}
    return Settings(**given)


def stated_plan(model: ModelSpec, build: BuildSpec, host: HostSpec, settings: Settings) -> Plan:
    """The build with exactly these settings. Raises Invalid when they name more devices than there are."""
    assert build.sizes is not None
    placed = as_stated(build.sizes, host, settings)
    if placed is None:
        message = f"The settings ask for {settings.devices or 1} devices; this machine has {len(host.devices)}."
        raise Invalid([{"field": "settings.devices", "message": message}])
    workload = Workload(context=max(1, settings.context // settings.slots), concurrency=settings.slots)
    return planned(model, build, host, workload, placed)


def fits(made: Plan) -> bool:
    return min(made.margins, default=0) >= 0 and (made.host_margin is None or made.host_margin >= 0)
