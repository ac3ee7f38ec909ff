"""Hosted prices of catalog models, from a dated file that is read offline (`bench/hosted_prices.py`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from advisor.answers.shapes import HostedOffer, HostedPrice
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.filters import MEETS, missed, strength
from advisor.fit.spec import ModelSpec, Workload

DATA = Path(__file__).parents[1] / "data/hosted_prices.json"


@cache
def prices() -> dict[str, Any]:
    """`prices`: model -> provider -> dollars per million input and output tokens; with `source` and `taken`."""
    return dict(json.loads(DATA.read_text(encoding="utf-8")))


def offer(model: ModelSpec, quality: float | None, workload: Workload, index: Index) -> HostedOffer | None:
    """The lowest price of this very model, else of a comparable one; None where there is neither."""
    if model.slug in prices()["prices"]:
        return {**cheapest(model), "same_model": True, "quality": None}
    if quality is None:
        return None
    found = comparable(quality, workload, index)
    if found is None:
        return None
    return {**cheapest(found), "same_model": False, "quality": round(strength(found, workload).score, 1)}


def comparable(quality: float, workload: Workload, index: Index) -> ModelSpec | None:
    """The cheapest hosted model that meets the workload and, by published results of its own, is at least as good."""
    allowed = missed(index.traits, workload)
    known = [index.numbers[slug] for slug in prices()["prices"] if slug in index.numbers]
    hosted = [index.catalog.models[i] for i in known if allowed[i] == MEETS]
    able = [
        model
        for model in hosted
        if strength(model, workload).basis == "evidence" and strength(model, workload).score >= quality
    ]
    return min(able, key=lambda model: (cheapest(model)["price_per_million"], model.slug), default=None)


def cheapest(model: ModelSpec) -> HostedPrice:
    """The lowest price of a model and the highest, per million tokens: generated, or read for an embedding model."""
    offers = prices()["prices"][model.slug]
    provider, (per_input, per_output) = min(offers.items(), key=lambda item: (counted(item[1]), item[1][0], item[0]))
    return {
        "model": model.slug,
        "name": model.name,
        "provider": provider,
        "input_per_million": per_input,
        "output_per_million": per_output,
        "price_per_million": counted((per_input, per_output)),
        "dearest_price_per_million": max(map(counted, offers.values())),
        "offers": len(offers),
        "source": prices()["source"],
        "taken": prices()["taken"],
    }


def counted(pair: Sequence[float | None]) -> float:
    """The price that counts of an (input, output) pair: output, or input for embeddings, which have no output price."""
    per_input, per_output = pair
    return float(per_input or 0) if per_output is None else per_output
