"""Sums that can be checked by hand."""

from __future__ import annotations

import pytest

from advisor.fit import cost
from advisor.fit.spec import Range

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_energy_is_watts_times_hours_times_price() -> None:
    # 50 tokens/s take 20,000 s for a million: at 450 W 2.5 kWh, at 0.30 a kWh 0.75
    assert cost.energy(Range(25, 50, 100), 450, 0.3) == Range(0.375, 0.75, 1.5)


def test_a_purchase_is_spread_over_the_tokens_of_its_time_at_work() -> None:
    made = cost.tokens_in_time(50, 2, 0.5)
    assert made == pytest.approx(50 * 365.25 * 86400)
    assert cost.purchase(Range(50, 50, 50), 1000, 2, 0.5).mid == pytest.approx(1000 / made * 1e6)


def test_the_volume_at_which_both_cost_the_same() -> None:
    tokens = cost.break_even(1000, 0.75, 2.75)
    assert tokens == 500e6
    assert 1000 + tokens / 1e6 * 0.75 == tokens / 1e6 * 2.75
    assert cost.break_even(1000, 2.75, 2.75) is None
