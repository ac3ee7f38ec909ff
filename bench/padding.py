"""Pads the seed catalog to a given number of models, for scripts that measure how answers scale.

A copy has its original's facts, evidence and builds under another name and family, with weights a few percent larger or
smaller, so that no two builds have equal sums.
"""

from __future__ import annotations

import random
from dataclasses import fields, replace
from typing import Any

from advisor.fit.build import BuildSizes, LayerSizes
from advisor.fit.spec import BuildSpec, Catalog, ModelSpec

WEIGHTS = {"device", "host", "experts_device", "experts_host"}
TOTALS = ("embedding_host", "output_device", "output_host", "file_bytes", "parameters", "active_bytes")
SPREAD = 0.06


def scaled(sizes: BuildSizes, by: float) -> BuildSizes:
    made: dict[int, LayerSizes] = {}
    for layer in sizes.layers:
        if id(layer) not in made:
            values = {f.name: getattr(layer, f.name) for f in fields(LayerSizes)}
            made[id(layer)] = LayerSizes(**{k: int(v * by) if k in WEIGHTS else v for k, v in values.items()})
    totals: dict[str, Any] = {name: int(getattr(sizes, name) * by) for name in TOTALS}
    return replace(sizes, layers=tuple(made[id(layer)] for layer in sizes.layers), **totals)


def padded(catalog: Catalog, models: int, builds: int) -> Catalog:
    """`models` models with `builds` llama.cpp builds each, the originals first; models without any are left out."""
    dice = random.Random(7)  # noqa: S311  fixed seed: the same catalog every time
    able = [m for m in catalog.models if any(b.sizes and b.format == "gguf" for b in m.builds)]
    made: list[ModelSpec] = []
    while len(made) < models:
        made.append(copy(able[len(made) % len(able)], len(made) // len(able), builds, dice))
    return Catalog(catalog.version, tuple(sorted(made, key=lambda m: m.slug)))


def copy(model: ModelSpec, number: int, builds: int, dice: random.Random) -> ModelSpec:
    ending = f"-{number}" if number else ""
    own = [b for b in model.builds if b.sizes and b.format == "gguf"]
    made: list[BuildSpec] = []
    while len(made) < builds:
        build = own[len(made) % len(own)]
        by = 1 + dice.uniform(-SPREAD, SPREAD) if number or len(made) >= len(own) else 1.0
        assert build.sizes is not None
        made.append(
            replace(
                build,
                id=f"{model.slug}{ending}:{build.quantization}:{len(made)}",
                bytes=int(build.bytes * by),
                sizes=scaled(build.sizes, by) if by != 1.0 else build.sizes,
            )
        )
    # A model that supersedes the original is in another family than the copy, so the copy has none.
    return replace(
        model,
        slug=model.slug + ending,
        hub_id=model.hub_id + ending,
        family=model.family + ending,
        superseded_by=None if number else model.superseded_by,
        builds=tuple(made),
    )
