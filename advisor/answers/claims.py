"""Three claims of the article that this project began with, beside the computed figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from advisor.answers import cache
from advisor.answers.requirements import accelerator, reference_machines
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.placement import settings_for
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.machines import meeting
from advisor.fit.ranking.plans import outline_of
from advisor.fit.spec import BuildSpec, ModelSpec, Workload
from advisor.selectors.catalog import catalog_index

QUANTIZATION = "Q8_0"
CONTEXT = 32768
MACHINES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """Memory for 8-bit weights as the article states it, in GB."""

    slug: str
    gigabytes: int
    words: str


CLAIMS = (
    Claim("llama-3.1-70b-instruct", 80, "~80 GB"),
    Claim("mistral-large-instruct-2407", 96, "~96 GB"),
    Claim("deepseek-v3", 120, "120 GB+"),
)


def article_claims() -> dict[str, Any]:
    """`rows`: each claim with its computed bytes and the smallest machines, for the models still in the catalog."""
    index = catalog_index()
    found: dict[str, Any] = cache.cached(
        ("claims", index.catalog.version), lambda: {"context": CONTEXT, "rows": rows(index)}
    )
    return found


def rows(index: Index) -> list[dict[str, Any]]:
    models = {model.slug: model for model in index.catalog.models}
    return [found for claim in CLAIMS if claim.slug in models and (found := row(claim, models[claim.slug], index))]


def row(claim: Claim, model: ModelSpec, index: Index) -> dict[str, Any] | None:
    build = next((b for b in model.builds if b.quantization == QUANTIZATION and b.sizes), None)
    if build is None or build.sizes is None:
        return None
    workload = Workload(context=CONTEXT)
    base = settings_for(build.sizes, workload)
    whole = estimate_memory(build.sizes, base._replace(devices=1, gpu_layers=len(build.sizes.layers) + 1))
    parts = {name: getattr(whole.devices[0], name) + getattr(whole.host, name) for name in ("weights", "kv", "compute")}
    claimed = claim.gigabytes * 10**9
    return {
        "slug": model.slug,
        "name": model.name,
        "claimed": claim.words,
        "claimed_bytes": claimed,
        "parameters": build.sizes.parameters,
        "file_bytes": build.sizes.file_bytes,
        **parts,
        "total": sum(parts.values()),
        "per_token": parts["kv"] // CONTEXT,
        "weights_ratio": build.sizes.file_bytes / claimed,
        "machines": machines(model, build, index, workload),
    }


def machines(model: ModelSpec, build: BuildSpec, index: Index, workload: Workload) -> list[dict[str, Any]]:
    """The smallest reference machines that hold exactly this build."""
    one = Index.of(replace(index.catalog, models=(replace(model, builds=(build,)),)))
    known = {machine.host: machine for machine in reference_machines()}
    found = meeting(one, list(known), workload, limit=MACHINES_SHOWN)
    return [
        accelerator(known[host]) | {"decode": result.plan.speed.decode, "kv_type": outline_of(result.plan).kv_type}
        for host, result in found
    ]
