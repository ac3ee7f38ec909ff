"""Turns catalog rows into the fit's dataclasses, cached per process until the catalog changes."""

from __future__ import annotations

import gc
import sys
import threading
from collections import defaultdict
from dataclasses import replace
from typing import Any

from django.db.models import F, Prefetch

from advisor.fit.build import BuildSizes
from advisor.fit.quality.strength import ModelFacts, strengths
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.sizes_json import from_json
from advisor.fit.spec import BuildSpec, Catalog, Evidence, ModelSpec
from advisor.selectors.local_files import PREFIX, find_local
from catalog import evidence_sources as sources
from catalog import version
from catalog.models import Build, Model
from catalog.models import Evidence as EvidenceRow

NOTHING = "empty"
_lock = threading.Lock()
_loaded: Index | None = None


def catalog_index() -> Index:
    """The catalog with everything computed once for it, cached per process until its digest changes. One query."""
    global _loaded  # noqa: PLW0603  one copy per process is the purpose
    digest = version.current() or NOTHING
    held = _loaded
    if held and held.catalog.version == digest:
        return held
    with _lock:
        if not (_loaded and _loaded.catalog.version == digest):
            _loaded = Index.of(load_catalog(digest))
            _loaded.rows()  # warms the rows for all engines, which most questions ask for
            # Some hundred thousand small objects that live as long as the process: if the collector visited them, a
            # question would now and then take a tenth of a second longer.
            gc.collect()
            gc.freeze()
        return _loaded


def load_catalog(digest: str) -> Catalog:
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
    strong = strengths(facts, published_evidence())
    built: dict[int, list[BuildSpec]] = defaultdict(list)
    graphs: dict[str, dict[str, Any]] = {}
    # In small chunks: read at once, the parsed rows would leave the process twice as large as what is kept of them.
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


def published_evidence() -> list[tuple[str, Evidence]]:
    """(model slug, figure) from the sources that are on, in the order of entry.

    Reads columns only, because a model instance per row is expensive. Strings are interned: some thirty sources and a
    hundred benchmarks repeat in thousands of rows.
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


def sources_and_licences() -> list[tuple[str, str]]:
    """(source, licence) of every published result in the catalog."""
    return list(EvidenceRow.objects.order_by("source", "pk").values_list("source", "source_licence"))


def build_spec(row: Build, graphs: dict[str, dict[str, Any]]) -> BuildSpec:
    """A build row as the fit sees it.

    `graphs`: graphs met so far, by their text; a model's builds share one, and it is most of their size.
    """
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
    """None where the layout is unknown or was summarised by another version, so that no figure is promised for it."""
    if not stored:
        return None
    try:
        return from_json(stored)
    except (ValueError, KeyError, TypeError):
        return None


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
    """Slug -> name of the models in this process's catalog."""
    return {model.slug: model.name for model in catalog_index().catalog.models}


def find_model(slug: str) -> ModelSpec | None:
    return catalog_index().model(slug)


def find_build(key: str) -> tuple[ModelSpec, BuildSpec] | None:
    """A build of the catalog, or a file of this machine that is of none."""
    return find_local(key) if key.startswith(PREFIX) else catalog_index().builds.get(key)
