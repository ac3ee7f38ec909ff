"""Model files of this machine that the catalog does not know, as models of one build each."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace

from django.conf import settings

from advisor.fit.quality.strength import ModelFacts, strengths
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.sizes_json import from_json
from advisor.fit.spec import BuildSpec, ModelSpec, Strength
from advisor.models import LocalFile

PREFIX = "file:"
WIDER = 8.0  # points that an interval grows to either side where a file's model is only named by its header
_lock = threading.Lock()
_last: tuple[tuple[str, str], Index] | None = None


def with_local_files(index: Index) -> Index:
    """`index` with the files of this machine that are of no build of the catalog; itself where there are none."""
    global _last  # noqa: PLW0603  one copy per process is the purpose
    rows = LocalFile.objects.filter(
        host_id=settings.HOST_ID, build__startswith=PREFIX, complete=True, problem="", kind="weights"
    )
    states = list(rows.order_by("build", "path").values_list("build", "state"))
    if not states:
        return index
    digest = hashlib.sha256(repr(states).encode()).hexdigest()
    key = (index.catalog.version, digest)
    with _lock:
        if _last is None or _last[0] != key:
            by_hub = {model.hub_id.lower(): model for model in index.catalog.models}
            one_each = {row.build: row for row in rows}
            made = [spec for row in one_each.values() if (spec := model_of(row, by_hub.get(row.base.lower())))]
            version = hashlib.sha256("/".join(key).encode()).hexdigest()
            models = tuple(sorted((*index.catalog.models, *made), key=lambda model: model.slug))
            _last = key, Index.of(replace(index.catalog, version=version, models=models))
        return _last[1]


def find_local(build: str) -> tuple[ModelSpec, BuildSpec] | None:
    """The file with this build id, as `catalog.find_build` gives those of the catalog."""
    row = LocalFile.objects.filter(host_id=settings.HOST_ID, build=build, complete=True, problem="").first()
    spec = model_of(row, None) if row else None
    return (spec, spec.builds[0]) if spec else None


def model_of(row: LocalFile, base: ModelSpec | None) -> ModelSpec | None:
    """What the header states. `base`, the catalog's model that it names, lends facts and, as inferred, quality."""
    if row.sizes is None:
        return None
    try:
        sizes = from_json(row.sizes)
    except (ValueError, KeyError, TypeError):
        return None
    files = tuple({name: part[name] for name in ("path", "bytes", "sha256")} for part in row.parts)
    build = BuildSpec(row.build, row.format, row.quantization, None, files, row.bytes, "exact", sizes)
    slug = row.build.replace(":", "-")
    maker = row.base.partition("/")[0]
    counts = sizes.parameters, sizes.active_parameters
    facts = ModelFacts(slug, row.name, row.base, "", maker, None, *counts, row.task)
    unknown = dict.fromkeys(("licence", "commercial", "released", "superseded_by", "tool_use", "reasoning"))
    spec = ModelSpec(
        **unknown,
        slug=slug,
        name=row.name,
        hub_id=row.base,
        family="",
        parameters_total=sizes.parameters,
        parameters_active=sizes.active_parameters,
        context_length=sizes.context_length or None,
        input_modalities=("text",),
        languages=(),
        task=row.task,
        builds=(build,),
        strengths=inferred(base) if base else strengths([facts], [])[slug],
    )
    if base is None:
        return spec
    lent = {name: getattr(base, name) for name in ("licence", "licence_name", "licence_conditions", "commercial")}
    lent |= {name: getattr(base, name) for name in ("released", "languages", "tool_use", "reasoning", "family")}
    return replace(spec, **lent)


def inferred(base: ModelSpec) -> dict[str, Strength]:
    return {
        use: replace(
            known,
            low=max(0.0, known.low - WIDER),
            high=min(100.0, known.high + WIDER),
            basis="none" if known.basis == "none" else "inferred",
        )
        for use, known in base.strengths.items()
    }
