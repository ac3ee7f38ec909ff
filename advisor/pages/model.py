"""The model page: facts with their sources, licence, builds, evidence, and memory on one machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from advisor.answers import documents, vllm, wording
from advisor.answers.explain import terms
from advisor.answers.model_rank import model_rank
from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp import memory as llama_cpp
from advisor.fit.engines.llama_cpp.defaults import products, taken
from advisor.fit.engines.llama_cpp.memory_curve import contexts, growth, rooms
from advisor.fit.engines.vllm import version
from advisor.fit.ranking.filters import context_limit
from advisor.fit.ranking.plans import embeds
from advisor.fit.spec import HostSpec, ModelSpec
from advisor.pages.charts.memory_context import Headroom, memory_context_chart
from advisor.pages.forms import AskForm
from advisor.pages.hardware_suggestions import EXAMPLES
from advisor.pages.query import filled_query, machine_query
from advisor.question.errors import Invalid
from advisor.question.parse import Question, parse_query
from advisor.selectors.catalog import find_model, model_row
from advisor.templatetags.berth import count, tokens
from catalog import evidence_sources as sources_of

ANSWERS = {True: "yes", False: "no", None: "not known"}
NUMBERS = {2: "both", 3: "all three", 4: "all four"}


def facts(row: Any) -> list[dict[str, Any]]:
    """Label, value and source of each fact; an unknown one says so."""
    source = row.provenance.get
    active = row.parameters_active if row.parameters_active != row.parameters_total else None
    parameters = count(row.parameters_total) + (f", {count(active)} active for a token" if active else "")
    abilities = source("abilities")
    rows = (
        ("Maker", row.organisation, None),
        ("Name on the hub", row.hub_id, None),
        ("Family", row.family, None),
        ("For", row.get_task_display(), None),
        ("Released", row.released or "not known", source("released")),
        ("Parameters", parameters, source("parameters_total")),
        ("Context", f"{tokens(row.context_length)} tokens", source("architecture")),
        ("Weights published as", row.native_dtype or "not known", source("native_dtype")),
        ("Reads", ", ".join(row.input_modalities or ["text"]), abilities),
        ("Languages", ", ".join(row.languages) or "not stated by its maker", abilities),
        ("Calls tools", ANSWERS[row.tool_use], abilities),
        ("Thinks step by step", ANSWERS[row.reasoning], abilities),
        ("In Ollama’s library", row.ollama_tag or "not known", source("ollama_tag")),
    )
    return [
        {"label": label, "value": value, "source": "as above" if told and told == above else told}
        for (label, value, told), above in zip(rows, (None, *(row[2] for row in rows)), strict=False)
    ]


def licence(row: Any) -> dict[str, str]:
    if row.licence is None:
        return {"name": "Licence not known", "words": "Read the model's own page before any use.", "url": ""}
    words = terms(row.licence.commercial, row.licence.conditions)
    # A row that no form has validated could hold a `javascript:` URL, which escaping does not make safe in a link.
    link = row.licence.url if row.licence.url.startswith(("https://", "http://")) else ""
    return {"name": row.licence.name, "words": words, "url": link}


def evidence(row: Any) -> list[dict[str, Any]]:
    """Published results grouped by what they measure, with counts; results from switched-off sources are marked."""
    off = sources_of.switched_off()
    by_use: dict[str, list[Any]] = {}
    for result in row.evidence.all():
        result.off = sources_of.origin(result.source) in off
        by_use.setdefault(result.benchmark.use_case, []).append(result)
    return [{"use_case": use, "results": results} for use, results in by_use.items()]


def known_model(slug: str) -> dict[str, Any] | None:
    """What the catalog knows of a model, independent of any machine; None for an unknown slug."""
    row = model_row(slug)
    if row is None:
        return None
    return {
        "model": row,
        "facts": facts(row),
        "licence": licence(row),
        "builds": row.builds.all(),
        "repos": sorted({build.repo for build in row.builds.all()} - {""}),
        "evidence": evidence(row),
        "sources": row.provenance.get("sources", []),
    }


def memory(row: Any, question: Question) -> dict[str, Any]:
    """Chart and table of a model's memory on one machine, and its figures under vLLM there."""
    reading, host, spec = question.reading, question.host, find_model(row.slug)
    names = [device.name for device in host.devices]
    shown = {"host": reading.document, "hardware": documents.hardware_document(reading), "unknown": True}
    if row.task == "generate" and spec is not None:
        shown["vllm"] = {"engine": version.COMPUTED_FOR} | vllm.shown(row, spec, host, question.workload.context)
    if spec is None or not any(build.format == "gguf" and build.sizes for build in spec.builds):
        return shown
    at = contexts(context_limit(spec) or 1 << 17)
    builds = {
        build.quantization: build.sizes
        for build in sorted(spec.builds, key=lambda build: -build.bytes)
        if build.format == "gguf" and build.sizes
    }
    lines = {name: growth(sizes, host, at, embedding=embeds(spec)) for name, sizes in builds.items()}
    held = [Headroom(*room_names(number, names), size) for number, size in rooms(host)]
    return shown | {
        "unknown": False,
        "chart": memory_context_chart(lines, held),
        "rooms": held,
        "names": list(lines),
        "rows": [
            {"context": c, "needs": [cell(lines[name][i]) | {"name": name} for name in lines]} for i, c in enumerate(at)
        ],
        "where": where(host, spec),
        "computed_for": llama_cpp.COMPUTED_FOR,
        "products": [] if embeds(spec) else elsewhere(builds, host, context_limit(spec)),
    }


def elsewhere(builds: Mapping[str, BuildSizes], host: HostSpec, limit: int | None) -> list[dict[str, Any]]:
    """The memory of each build in programs built on llama.cpp, with their default settings."""
    room = max((size for _, size in rooms(host)), default=0)
    shown = []
    for product in products().values():
        needs = [taken(product, sizes, host, limit) for sizes in builds.values()]
        cells = [
            {"name": name, "bytes": need.bytes, "fits": need.bytes <= room}
            for name, need in zip(builds, needs, strict=True)
        ]
        shown.append({"product": product, "context": needs[0].context, "needs": cells})
    return shown


def room_names(number: int, names: list[str]) -> tuple[str, str]:
    """The label for the capacity of `number` devices, short and in full."""
    if number == 0:
        return "RAM", "main memory available"
    if number > 1:
        return f"{number} GPUs", f"available on {NUMBERS.get(number, f'all {number}')}"
    name = wording.short(names[0]) if len(set(names)) == 1 else "GPU"
    return ("1 GPU", f"available on one {name}") if len(names) > 1 else ("GPU", f"available on the {name}")


def cell(need: Any) -> dict[str, Any]:
    words = wording.PLACEMENTS.get(need.placement, need.placement) if need.placement else "does not fit"
    narrow = f", {need.kv_type} cache" if need.placement and need.kv_type != "f16" else ""
    return {"bytes": need.bytes, "words": f"{words}{narrow}", "fits": need.placement is not None}


def where(host: HostSpec, spec: ModelSpec) -> str:
    """The machine that the figures are for, in words."""
    cache = "" if embeds(spec) else ", f16 KV cache"
    if not host.devices:
        return f"Main memory for one request{cache}, computed on the CPU"
    if any(device.unified for device in host.devices):
        return f"Memory for one request{cache}, with everything on the GPU"
    return f"GPU memory for one request{cache}, with everything on the GPU{'s' if len(host.devices) > 1 else ''}"


@require_safe
def model_page(request: HttpRequest, slug: str) -> HttpResponse:
    known = known_model(slug)
    if known is None:
        raise Http404
    query = filled_query(request)
    if known["model"].task == "embedding":
        query.setdefault("use_case", "embedding")
    context = known | {
        "page": "model",
        "form": AskForm(query.dict()),
        "stated": query.get("hw") or query.get("gpu"),
        "examples": EXAMPLES,
    }
    status = 200
    try:
        question = parse_query(query)
        context |= memory(known["model"], question)
        context["standing"] = model_rank(question, slug)
    except Invalid as error:
        context["errors"], status = [one["message"] for one in error.errors], error.status
    return render(request, "model.html", context | {"machine": machine_query(query)}, status=status)
