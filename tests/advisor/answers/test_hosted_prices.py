"""Prices at which others serve a model, or one that is as good."""

from __future__ import annotations

from datetime import date

import pytest

from advisor.answers import hosted_prices
from advisor.fit.spec import Workload
from advisor.selectors.catalog import catalog_index
from catalog import seed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_nothing_is_comparable_to_what_nothing_is_published_about() -> None:
    index = catalog_index()
    unhosted = next(model for model in index.catalog.models if model.slug not in hosted_prices.prices()["prices"])
    assert hosted_prices.offer(unhosted, None, Workload(use_case="coding"), index) is None
    assert hosted_prices.offer(unhosted, 1.0, Workload(use_case="coding"), index) is not None


def test_every_price_is_of_a_catalog_model_and_dated() -> None:
    held = hosted_prices.prices()
    assert set(held["prices"]) <= {entry["slug"] for entry in seed.models()}
    assert date.fromisoformat(held["taken"])
    assert held["source"].startswith("genai-prices ")
    tasks = {entry["slug"]: entry["task"] for entry in seed.models()}
    for slug, offers in held["prices"].items():
        for per_input, per_output in offers.values():
            assert per_input > 0
            assert per_output is None if tasks[slug] == "embedding" else per_output > 0
