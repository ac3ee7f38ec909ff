"""The questions Berth answers, for every door: what can run, what one build takes, and the plan of a launch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import orjson

from advisor import costs, documents, kept, metrics, query, selectors
from advisor.engines.installed import installed_program
from advisor.fit.engines.llama_cpp.placement import as_stated
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.explain import explained
from advisor.fit.ranking.plans import ENGINE, planned
from advisor.fit.ranking.rank import rank as ranked
from advisor.fit.ranking.rejections import reference_device, rejections, stated_rejection
from advisor.fit.spec import FIT_VERSION, BuildSpec, Device, HostSpec, ModelSpec, Plan, Rejection, Result, Workload
from advisor.serializers import ESTIMATE, QUESTION, SETTINGS, WORKLOAD, checked
from hardware import reference
from hardware.hosts import host_document, is_here
from hardware.stated import HardwareError, stated

Errors = list[dict[str, Any]]


class Invalid(Exception):
    """The question cannot be answered. `status` 400: a field is wrong; 422: hardware is unknown or ambiguous."""

    def __init__(self, errors: Errors, status: int = 400) -> None:
        super().__init__(errors[0]["message"] if errors else "The question is not valid.")
        self.errors = errors
        self.status = status


class DoesNotFit(Exception):
    """There is no room. `verdict` is the rejection's document, with what would help."""

    def __init__(self, rejection: Rejection) -> None:
        self.verdict = documents.rejection(rejection)
        super().__init__(sentence(self.verdict))


def sentence(verdict: Mapping[str, Any]) -> str:
    model, reason = verdict["model"], verdict["reason"].replace("_", " ")
    if "needed_bytes" in verdict and verdict["needed_bytes"] is not None:
        needed, available = (verdict[key] / (1 << 30) for key in ("needed_bytes", "available_bytes"))
        return f"{model} does not fit: it needs {needed:.1f} GiB and {available:.1f} GiB is available ({reason})."
    return f"{model} cannot run as asked ({reason})."


# ---------------------------------------------------------------- the question


def question_from_query(given: Mapping[str, str]) -> dict[str, Any]:
    """Flat query keys as the question that a JSON body would carry. Raises Invalid, 400, for a key nobody knows."""
    asked, errors = query.question(given)
    if errors:
        raise Invalid(errors)
    return asked


def validated(question: Any) -> dict[str, Any]:
    """The question with its defaults filled in. Raises Invalid, 400, naming each wrong field."""
    asked, errors = checked(QUESTION, question)
    if errors:
        raise Invalid(errors)
    return asked


def workload_of(asked: Mapping[str, Any]) -> Workload:
    return Workload(**{key: tuple(value) if isinstance(value, list) else value for key, value in asked.items()})


def resolve(hardware: Mapping[str, Any]) -> dict[str, Any]:
    """The host document of a stated or known machine. Raises Invalid, 422, with the fields to state or the choices."""
    try:
        if "host" in hardware:
            return host_document(hardware["host"])
        return stated(dict(hardware))
    except HardwareError as error:
        raise Invalid(error.errors, error.status) from error


# ---------------------------------------------------------------- what can run here


@metrics.counted("recommendation")
def recommend(question: Any) -> dict[str, Any]:
    """The decision for a question (`QuestionSerializer`): ranked plans, rejected models with fixes, warnings.

    The same question on the same catalog and hardware gives the same bytes. Raises Invalid.
    """
    asked = validated(question)
    document = resolve(asked["hardware"])
    host, index = selectors.host_spec(document), selectors.catalog()
    if asked["on_disk"]:
        host = as_launched(host, asked["hardware"].get("host"))
    paths = selectors.on_disk(index)
    hardware = documents.hardware(document, host)
    decision = digest(asked, index.catalog.version, hardware)
    workload = workload_of(asked["workload"])

    def work_out() -> dict[str, Any]:
        ranking = ranked(
            index,
            host,
            workload,
            prefer=asked["prefer"],
            limit=asked["limit"],
            only_builds=frozenset(paths) if asked["on_disk"] else None,
            expand=asked["expand"] == "plans",
        )
        refused = rejections(index, host, workload, ranking, gpus=reference_gpus(), limit=asked["rejected_limit"])
        return {
            "decision": decision,
            "catalog_version": index.catalog.version,
            "fit_version": FIT_VERSION,
            "hardware": hardware,
            "results": [
                documents.result(explained(r, host, workload), host, paths)
                | costed(r, host, workload, index, asked.get("cost"))
                for r in ranking.results
            ],
            "rejected": [documents.rejection(r) for r in refused],
            "warnings": warnings(document, host, workload, index),
        }

    # What the digest does not cover: figures of the hardware that the document leaves out, files that came or went.
    return kept.document((decision, host, tuple(paths.items()), tuple(document.get("warnings") or ())), work_out)


def costed(
    result: Result, host: HostSpec, workload: Workload, index: Index, asked: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The member `cost` of a result, where prices were asked about."""
    return {} if asked is None else {"cost": costs.document(result, host, workload, index, asked)}


def digest(asked: Mapping[str, Any], catalog_version: str, hardware: Mapping[str, Any]) -> str:
    content = orjson.dumps([asked, catalog_version, FIT_VERSION, hardware], option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(content).hexdigest()


def warnings(document: Mapping[str, Any], host: HostSpec, workload: Workload, index: Index) -> list[str]:
    said = [str(warning) for warning in document.get("warnings") or []]
    if host.ram_bytes is None:
        said.append("Main memory was not stated: only plans that live wholly on the accelerators are considered.")
    if not index.catalog.models:
        said.append("The catalog is empty: load it with manage.py load_catalog.")
    if workload.use_case == "vision" or "image" in workload.input_modalities:
        said.append("The image projector's memory (about 1 GiB on most models) is not in the sums.")
    return said


@cache
def reference_gpus() -> tuple[Device, ...]:
    """The cards that a fix may name: discrete, not for laptops, each size once."""
    return tuple(
        reference_device(
            Device(
                name=spec.name,
                memory_bytes=spec.memory_bytes,
                available_bytes=spec.memory_bytes,
                memory_bandwidth=spec.memory_bandwidth,
                flops_fp16=spec.flops_fp16,
                vendor=spec.vendor,
                compute_capability=spec.compute_capability,
            )
        )
        for spec in reference.specs()
        if not spec.unified and "laptop" not in spec.name.lower()
    )


# ---------------------------------------------------------------- one build as stated


@metrics.counted("estimate")
def estimate(question: Any) -> dict[str, Any]:
    """Memory and speed of one build with given settings on given hardware, whether or not it fits. Raises Invalid."""
    asked, errors = checked(ESTIMATE, question)
    if errors:
        raise Invalid(errors)
    document = resolve(asked.get("hardware") or {"host": "local"})
    host = selectors.host_spec(document)
    model, build = build_named(asked.get("build") or build_key(asked["model"], asked["quantization"]))
    made = stated_plan(model, build, host, settings_of(asked["settings"], build, host))
    return {
        "catalog_version": selectors.catalog().catalog.version,
        "fit_version": FIT_VERSION,
        "hardware": documents.hardware(document, host),
        "fits": fits(made),
        **documents.plan_document(made, host, selectors.on_disk().get(build.id)),
    }


def build_key(slug: str, quantization: str) -> str:
    """Id of a model's GGUF build with this quantization, one read from a file before one that was computed."""
    spec = selectors.find_model(slug)
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
    found = selectors.find_build(key)
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


# ---------------------------------------------------------------- the plan of a launch


def as_launched(machine: HostSpec, host: str | None) -> HostSpec:
    """The machine as the program that would run there can use it: the wheel's engine computes on the CPU."""
    program = installed_program(ENGINE) if is_here(host) else None
    return replace(machine, devices=()) if program and not program.accelerators else machine


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
    machine = selectors.host_spec(resolve({"host": host}))
    wanted = asked_workload(workload)
    if question is not None:
        model, build, settings = named_by(question, rank or 1)
    if build is not None:
        found = build_named(build)
        if settings is not None:
            return stated_or_refused(*found, machine, settings, as_launched(machine, host))
        return best_or_refused(found[0], as_launched(machine, host), wanted, frozenset({build}))
    if model is None:
        raise Invalid([{"field": "model", "message": "Name a model, a build or an earlier decision."}])
    spec = selectors.find_model(model)
    if spec is None:
        raise Invalid([{"field": "model", "message": f"{model!r} is not a model of this catalog."}])
    local = frozenset(selectors.on_disk()) & {b.id for b in spec.builds} if is_here(host) else None
    return best_or_refused(spec, as_launched(machine, host), wanted, local or None)


def asked_workload(workload: Mapping[str, Any] | None) -> Workload:
    asked, errors = checked(WORKLOAD, workload or {})
    if errors:
        raise Invalid([{**error, "field": f"workload.{error['field']}"} for error in errors])
    return workload_of(asked)


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
    index = Index.of(replace(selectors.catalog().catalog, models=(model,)))
    ranking = ranked(index, host, workload, limit=1, only_builds=only)
    if ranking.results:
        return ranking.results[0].plan
    refused = rejections(index, host, workload, ranking, gpus=reference_gpus(), limit=1)
    raise DoesNotFit(refused[0])
