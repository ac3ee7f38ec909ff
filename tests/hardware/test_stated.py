from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.reference import GIB, MIB
from hardware.stated import HardwareError, stated


def test_a_known_card_is_filled_in_from_the_reference() -> None:
    document = stated({"text": "2x 4090, 64 GB RAM, 16 cores"})
    one, two = document["accelerators"]
    assert (
        one
        == two
        == {
            "name": "NVIDIA GeForce RTX 4090",
            "uuid": None,
            "memory_bytes": 24564 * MIB,
            "free_bytes": 24564 * MIB,
            "reserved_bytes": 0,
            "memory_bandwidth": 1_008_000_000_000,
            "flops_fp16": 165_200_000_000_000,
            "compute_capability": "8.9",
            "unified": False,
            "vendor": "nvidia",
            "source": "reference",
        }
    )
    assert (document["ram_bytes"], document["cpu_cores"], document["snapshot"]) == (64 * GIB, 16, None)


def test_an_unknown_card_is_taken_as_stated_and_never_guessed() -> None:
    (device,) = stated(
        {"accelerators": [{"name": "B900", "memory_bytes": 10**11, "memory_bandwidth": 10**13, "free_bytes": 10**10}]}
    )["accelerators"]
    assert (device["memory_bytes"], device["free_bytes"], device["memory_bandwidth"]) == (10**11, 10**10, 10**13)
    assert (device["flops_fp16"], device["vendor"], device["source"]) == (None, None, "stated")


@pytest.mark.parametrize(
    ("name", "gib", "gb_s"), [("RTX 2080 Ti 22GB", 22, 616), ("RTX 3080 20GB", 20, 760.3), ("RTX 4090 48GB", 48, 1008)]
)
def test_a_card_with_twice_its_memory_is_the_same_chip(name: str, gib: int, gb_s: float) -> None:
    (device,) = stated({"text": name})["accelerators"]
    assert device["name"] == f"NVIDIA GeForce {name[:-5]} with {gib} GB"
    assert (device["memory_bandwidth"], device["vendor"]) == (gb_s * 1e9, "nvidia")
    assert 0.97 * gib * GIB < device["memory_bytes"] <= gib * GIB


def test_a_rebuilt_card_of_another_size_needs_its_bandwidth_said() -> None:
    item = {"name": "RTX 4090", "memory_bytes": 30 * GIB}
    with pytest.raises(HardwareError, match="state its memory bandwidth as well"):
        stated({"accelerators": [item]})
    (device,) = stated({"accelerators": [item | {"memory_bandwidth": 1_008_000_000_000}]})["accelerators"]
    assert device["memory_bytes"] == 30 * GIB


def test_the_hosts_ram_tells_the_size_of_a_device_that_shares_it() -> None:
    document = stated({"accelerators": [{"name": "M3 Max"}], "ram_bytes": 64 * GIB})
    assert document["accelerators"][0]["memory_bytes"] == 48 * GIB
    assert stated({"text": "DGX Spark"})["ram_bytes"] == 128 * GIB
    assert stated({"text": "Strix Halo, 64 GB RAM"})["accelerators"][0]["memory_bytes"] == 48 * GIB


def test_ram_that_nobody_stated_is_unknown() -> None:
    document = stated({"text": "RTX 4090"})
    assert (document["ram_bytes"], document["ram_available_bytes"]) == (None, None)


@pytest.mark.parametrize(
    ("hardware", "field", "sentence"),
    [
        ({"accelerators": [{"name": "foo"}]}, "accelerators[0].name", "state its memory and its memory bandwidth"),
        ({"accelerators": [{"name": "4090"}, {"name": "H100"}]}, "accelerators[1].name", "several cards"),
        ({"text": "8 cores"}, "text", "names no GPU"),
        ({"cpu_cores": 8}, "ram_bytes", "must be stated"),
        ({"text": "GB10, RTX 4090"}, "accelerators", "one unified-memory device"),
    ],
    ids=["unknown card", "ambiguous card", "words without hardware", "neither card nor RAM", "two pools"],
)
def test_hardware_that_is_not_known_well_enough_names_what_to_state(
    hardware: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(HardwareError) as error:
        stated(hardware)
    assert error.value.status == 422
    assert any(e["field"] == f"hardware.{field}" and sentence in e["message"] for e in error.value.errors)


WRONG: dict[str, tuple[Any, str]] = {
    "nothing": ({}, ""),
    "no object": ([], ""),
    "count of none": ({"accelerators": [{"name": "4090", "count": 0}]}, "accelerators[0].count"),
    "truth for bytes": ({"accelerators": [{"name": "4090", "memory_bytes": True}]}, "accelerators[0].memory_bytes"),
    "number for a name": ({"accelerators": [{"name": 4090}]}, "accelerators[0].name"),
    "unknown field of a card": ({"accelerators": [{"name": "4090", "vram": 1}]}, "accelerators[0].vram"),
    "too many cards": ({"accelerators": [{"name": "4090", "count": 40}] * 2}, "accelerators"),
    "text for a list": ({"accelerators": "4090"}, "accelerators"),
    "text for bytes": ({"ram_bytes": "64"}, "ram_bytes"),
    "unknown system": ({"ram_bytes": GIB, "os": "beos"}, "os"),
    "unknown field": ({"ram_bytes": GIB, "disk": 1}, "disk"),
    "number for words": ({"text": 5}, "text"),
    "two ways at once": ({"text": "4090", "accelerators": [{"name": "4090"}]}, "accelerators"),
    "RAM above the limit": ({"ram_bytes": 1 << 51}, "ram_bytes"),
    "RAM above the limit in words": ({"text": "RTX 4090, 999999 TB RAM"}, "ram_bytes"),
    "no RAM at all in words": ({"text": "RTX 4090, 0 GB RAM"}, "ram_bytes"),
    "too many cards in words": ({"text": "99x RTX 4090"}, "accelerators[0].count"),
    "too many cores in words": ({"text": "RTX 4090, 5000 cores"}, "cpu_cores"),
    "bandwidth above the limit in words": ({"text": "Foo 24 GB 101 TB/s"}, "accelerators[0].memory_bandwidth"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_field_or_a_number_beyond_its_limit_is_400_and_named(name: str) -> None:
    hardware, field = WRONG[name]
    with pytest.raises(HardwareError) as error:
        stated(hardware)
    assert error.value.status == 400
    assert f"hardware.{field}".rstrip(".") in {e["field"] for e in error.value.errors}


def test_an_ambiguous_card_comes_with_its_choices() -> None:
    with pytest.raises(HardwareError) as error:
        stated({"text": "RTX 3060, 32 GB RAM"})
    assert "can be several cards" in str(error.value)
    choices = error.value.errors[0]["choices"]
    assert [c["memory_bytes"] // GIB for c in choices] == [12, 8]
    for choice in choices:
        (device,) = stated({"accelerators": [{k: choice[k] for k in ("name", "memory_bytes")}]})["accelerators"]
        assert device["memory_bandwidth"] == choice["memory_bandwidth"]


def outcome(hardware: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    try:
        return stated(hardware), []
    except HardwareError as error:
        return {}, error.errors


WORDS = (
    "rtx",
    "4090",
    "x",
    "2x",
    "+",
    ",",
    "gb",
    "GB RAM",
    "64",
    "cores",
    "M3 Max",
    "laptop",
    "(",
    ")",
    "×",
    "no gpu",
    "9" * 40,
)


@given(st.one_of(st.text(max_size=500), st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join)))
def test_no_words_break_the_reader(text: str) -> None:
    document, errors = outcome({"text": text})
    assert document.get("accelerators") or document.get("ram_bytes") or errors
    assert all(e["message"] and e["field"].startswith("hardware") for e in errors)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ITEM = st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "count", "memory_bytes", "memory_bandwidth"), JSON))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "accelerators": st.lists(ITEM | JSON, max_size=3) | JSON,
            "ram_bytes": JSON,
            "text": JSON,
            "os": JSON,
        },
    )
)
def test_no_json_breaks_the_reader(hardware: dict[str, Any]) -> None:
    document, errors = outcome(hardware)
    assert bool(document) != bool(errors)
