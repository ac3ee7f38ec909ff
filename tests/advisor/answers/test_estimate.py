from __future__ import annotations

import pytest

from advisor.fit.units import GIB
from advisor.question.errors import Invalid
from tests.support.ask import estimate

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_an_estimate_weighs_settings_as_stated_and_says_whether_they_fit():
    asked = {"build": "qwen3-8b:Q4_K_M", "hardware": {"accelerators": [{"name": "RTX 4090"}], "ram_bytes": 64 * GIB}}
    fitting = estimate(asked | {"settings": {"context": 8192, "gpu_layers": 37}})
    assert fitting["fits"]
    assert fitting["memory"]["devices"][0]["kv"] == 8192 * 36 * 2 * 1024 * 2
    assert not estimate(asked | {"settings": {"context": 1 << 20, "gpu_layers": 37}})["fits"]
    for wrong in ({"build": "nothing:Q4"}, {"settings": {"context": 512, "gpu_layers": 1, "devices": 3}}):
        with pytest.raises(Invalid):
            estimate(asked | {"settings": {"context": 512}} | wrong)
