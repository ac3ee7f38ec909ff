from __future__ import annotations

from typing import Any

import pytest

from tests.support.questions import asked

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


@pytest.mark.parametrize(
    ("prices", "field"),
    [
        ({"purchase_price": 2000}, "cost.years"),
        ({"purchase_price": 2000, "years": 3}, "cost.utilisation"),
        ({"utilisation": 25}, "cost.utilisation"),
        ({"price_per_kwh": "cheap"}, "cost.price_per_kwh"),
        ({"price_per_kwh": -1}, "cost.price_per_kwh"),
        ({"currency": "EUR"}, "cost.currency"),
    ],
)
def test_a_wrong_price_names_its_field(prices: Any, field: str) -> None:
    assert asked(400, cost=prices)["errors"][0]["field"] == field
