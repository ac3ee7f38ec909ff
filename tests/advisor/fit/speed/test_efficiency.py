from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.fit.spec import HostSpec
from advisor.fit.speed.efficiency import device_class, fitted, ram_bandwidth
from tests.support.layers import CARD, HOST


@pytest.mark.parametrize(
    ("cores", "least", "most"), [(4, 20e9, 45e9), (8, 50e9, 70e9), (16, 70e9, 90e9), (64, 150e9, 250e9)]
)
def test_ram_bandwidth_is_assumed_by_core_count(cores: int, least: float, most: float) -> None:
    assert least <= ram_bandwidth(HostSpec((), 0, 0, cpu_cores=cores)) <= most


def test_a_stated_ram_bandwidth_is_used() -> None:
    assert ram_bandwidth(HOST) == 80e9


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"compute_capability": "12.1", "unified": True}, "cuda_unified"),
        ({"compute_capability": "12.0"}, "cuda_blackwell"),
        ({"compute_capability": "9.0"}, "cuda_datacenter"),
        ({"compute_capability": "8.6"}, "cuda_ampere"),
        ({"compute_capability": "6.1"}, "cuda_pascal"),
        ({"vendor": "amd", "compute_capability": None}, "amd"),
        ({"vendor": "amd", "compute_capability": None, "unified": True}, "amd_unified"),
        ({"vendor": "apple", "compute_capability": None, "unified": True}, "apple"),
    ],
)
def test_devices_are_told_apart_by_maker_generation_and_memory(facts: dict[str, object], kind: str) -> None:
    assert device_class(replace(CARD, **facts)) == kind  # type: ignore[arg-type]
    assert kind in fitted()["classes"]
