"""Rows and host documents -> the fit's dataclasses: the only place where the ORM meets the fit."""

from __future__ import annotations

import gc
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db.models import F, Prefetch

from advisor.files.local import find_file, local_files
from advisor.fit.allowances import DEVICE_MARGIN, HOST_MARGIN, OS_RESERVE, kept
from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp.sizes_json import from_json
from advisor.fit.quality.strength import ModelFacts, strengths
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.spec import BuildSpec, Catalog, Device, Evidence, HostSpec, ModelSpec
from catalog import evidence_sources as sources
from catalog import version
from catalog.models import Build, Model
from catalog.models import Evidence as EvidenceRow

NOTHING = "empty"
_lock = threading.Lock()
_loaded: Index | None = None


def catalog() -> Index:
    """The catalog with what is computed once for it, kept per process until its digest changes. One query."""
    global _loaded  # noqa: PLW0603  one copy per process is the purpose
    digest = version.current() or NOTHING
    held = _loaded
    if held and held.catalog.version == digest:
        return held
    with _lock:
        if not (_loaded and _loaded.catalog.version == digest):
            _loaded = Index.of(load(digest))
            # Some hundred thousand small objects that live as long as the process: left to the collector they would
            # cost a question now and then a tenth of a second.
            gc.collect()
            gc.freeze()
        return _loaded


def load(digest: str) -> Catalog:
    rows = list(
        Model.objects.filter(status__in=["active", "superseded"])
        .select_related("licence", "superseded_by")
        .order_by("slug")
    )
    facts = [
        ModelFacts(
            slug=row.slug,
            name=row.name,
            hub_id=row.hub_id,
            family=row.family,
            organisation=row.organisation,
            released=row.released.isoformat() if row.released else None,
            parameters_total=row.parameters_total,
            parameters_active=row.parameters_active,
            task=row.task,
            input_modalities=tuple(row.input_modalities or ("text",)),
        )
        for row in rows
    ]
    strong = strengths(facts, evidence())
    built: dict[int, list[BuildSpec]] = defaultdict(list)
    graphs: dict[str, dict[str, Any]] = {}
    # In small pieces: read at once, the parsed rows would leave the process twice as large as what is kept of them.
    for build in Build.objects.order_by("key").iterator(chunk_size=100):
        built[build.model_id].append(build_spec(build, graphs))
    return Catalog(
        version=digest,
        models=tuple(
            ModelSpec(
                slug=row.slug,
                name=row.name,
                hub_id=row.hub_id,
                family=row.family,
                licence=row.licence_id,
                commercial=row.licence.commercial if row.licence else None,
                licence_name=row.licence.name if row.licence else None,
                licence_conditions=row.licence.conditions if row.licence else "",
                released=row.released.isoformat() if row.released else None,
                parameters_total=row.parameters_total,
                parameters_active=row.parameters_active,
                context_length=row.context_length,
                input_modalities=tuple(row.input_modalities or ("text",)),
                languages=tuple(row.languages or ()),
                tool_use=row.tool_use,
                reasoning=row.reasoning,
                task=row.task,
                superseded_by=row.superseded_by.slug if row.superseded_by else None,
                native=row.native_dtype.partition(" ")[0],  # "mxfp4 (experts) + bf16"
                builds=tuple(built[row.pk]),
                strengths=strong.get(row.slug, {}),
            )
            for row in rows
        ),
    )


def evidence() -> list[tuple[str, Evidence]]:
    """(model's slug, figure) of the sources that are on, in the order of entry.

    Columns only: a row's model is no small object. Texts are interned: some thirty sources and a hundred benchmarks
    repeat in thousands of rows.
    """
    columns = ("model__slug", *(f"benchmark__{name}" for name in ("name", "version", "metric")), "value")
    rows = EvidenceRow.objects.order_by("pk").values_list(
        *columns, "benchmark__use_case", "date", "source", "third_party"
    )
    same, off = sys.intern, sources.switched_off()
    return [
        (
            slug,
            Evidence(
                same(name),
                same(version),
                same(metric),
                value,
                same(use_case),
                same(date.isoformat()) if date else None,
                same(source),
                third_party,
            ),
        )
        for slug, name, version, metric, value, use_case, date, source, third_party in rows
        if not off or sources.origin(source) not in off
    ]


def evidence_sources() -> list[tuple[str, str]]:
    """Source and its licence, of every published result of the catalog."""
    return list(EvidenceRow.objects.order_by("source", "pk").values_list("source", "source_licence"))


def build_spec(row: Build, graphs: dict[str, dict[str, Any]]) -> BuildSpec:
    """`graphs`: those met so far, by their text; a model's builds have the same, and it is most of them."""
    made = sizes(row.sizes)
    if made:
        made = replace(made, graph=graphs.setdefault(repr(made.graph), made.graph))
    return BuildSpec(
        id=row.key,
        format=row.format,
        quantization=row.quantization,
        repo=row.repo or None,
        files=tuple(row.files or ()),
        bytes=row.bytes,
        basis=row.basis,
        sizes=made,
    )


def sizes(stored: dict[str, Any] | None) -> BuildSizes | None:
    """None where the layout is not known, or was summarised by another version: then nothing is promised of it."""
    if not stored:
        return None
    try:
        return from_json(stored)
    except (ValueError, KeyError, TypeError):
        return None


def on_disk(index: Index | None = None) -> dict[str, str]:
    """Build id -> local path, of the builds whose files lie under the configured folders."""
    index = index or catalog()
    found = local_files(settings.MODEL_ROOTS)
    # From the few files to their builds: most builds of a catalog lie nowhere.
    able = [build for name, _ in found for build in index.published.get(name, ())]
    places = {build.id: find_file(build.files, roots=(), found=found) for build in able}
    return {key: str(path) for key, path in sorted(places.items()) if path}


def model_row(slug: str) -> Model | None:
    """One model that is not hidden, with its licence, builds (without their sizes) and evidence. Three queries."""
    figures = EvidenceRow.objects.select_related("benchmark").order_by(
        "benchmark__use_case", "benchmark__name", "benchmark__metric", F("date").desc(nulls_last=True)
    )
    builds = Build.objects.defer("sizes", "files").order_by("format", "-bytes")
    return (
        Model.objects.exclude(status="hidden")
        .select_related("licence", "superseded_by")
        .prefetch_related(Prefetch("builds", builds), Prefetch("evidence", figures))
        .filter(slug=slug)
        .first()
    )


def model_names() -> dict[str, str]:
    """Slug -> name, of the models of this process's catalog."""
    return {model.slug: model.name for model in catalog().catalog.models}


def find_model(slug: str) -> ModelSpec | None:
    index = catalog()
    return index.catalog.models[index.numbers[slug]] if slug in index.numbers else None


def find_build(key: str) -> tuple[ModelSpec, BuildSpec] | None:
    return catalog().builds.get(key)


# ---------------------------------------------------------------- hardware


def host_spec(document: Mapping[str, Any]) -> HostSpec:
    """A host document as the fit sees it: what is free is min(what the driver says, capacity - reserved) - margin."""
    ram, available = document.get("ram_bytes"), None
    entries = document.get("accelerators") or []
    if ram is not None:
        free = document.get("ram_available_bytes")
        unheld = ram - kept(OS_RESERVE, ram) if free is None else free
        available = max(0, min(unheld, ram - (document.get("ram_reserved_bytes") or 0)) - kept(HOST_MARGIN, ram))
    return HostSpec(
        devices=tuple(device(entry, available) for entry in entries),
        ram_bytes=ram,
        ram_available_bytes=available,
        cpu_cores=document.get("cpu_cores"),
        ram_bandwidth=document.get("ram_bandwidth"),
        os=document.get("os") or "linux",
    )


def device(entry: Mapping[str, Any], ram_available: int | None) -> Device:
    """One accelerator. A unified one's memory_bytes are what its GPU may hold, and all it holds is RAM as well."""
    capacity, free, unified = entry["memory_bytes"], entry.get("free_bytes"), bool(entry.get("unified"))
    room = capacity - (entry.get("reserved_bytes") or 0)
    if free is not None:
        room = min(room, free)
    if unified and ram_available is not None:
        room = min(room, ram_available)
    room = max(0, room - kept(DEVICE_MARGIN, capacity))
    return Device(
        name=entry["name"],
        memory_bytes=capacity,
        available_bytes=room,
        memory_bandwidth=entry.get("memory_bandwidth"),
        flops_fp16=entry.get("flops_fp16"),
        uuid=entry.get("uuid"),
        vendor=entry.get("vendor") or "unknown",
        compute_capability=entry.get("compute_capability"),
        unified=unified,
        source=entry.get("source") or "reference",
    )
