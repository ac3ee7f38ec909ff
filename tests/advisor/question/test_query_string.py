from __future__ import annotations

from typing import Any

import pytest

from advisor.question.query_string import ACCELERATOR, CARRIED, KEYS, option_of, question_of_query
from advisor.question.serializers import QUESTION

GIB = 1 << 30
READ: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "hardware in words": ({"hw": "2x RTX 3090"}, {"hardware": {"text": "2x RTX 3090"}}),
    "memory in GiB": ({"ram_gb": "64.5"}, {"hardware": {"ram_bytes": 64 * GIB + GIB // 2}}),
    "a card by its figures": (
        {"gpu": "Foo", "gpus": "2", "vram_gb": "24", "bandwidth_gb_s": "900"},
        {
            "hardware": {
                "accelerators": [{"name": "Foo", "count": 2, "memory_bytes": 24 * GIB, "memory_bandwidth": 900 * 10**9}]
            }
        },
    ),
    "a card beside the memory": (
        {"gpu": "RTX 4090", "ram_gb": "64"},
        {"hardware": {"ram_bytes": 64 * GIB, "accelerators": [{"name": "RTX 4090"}]}},
    ),
    "whole numbers": ({"context": "32768", "concurrency": "-1"}, {"workload": {"context": 32768, "concurrency": -1}}),
    "any licence": ({"licence": "any"}, {"workload": {"licence": "any"}}),
    "licences by name": ({"licence": "mit, apache-2.0,"}, {"workload": {"licence": ["mit", "apache-2.0"]}}),
    "truths as people write them": (
        {"tool_use": "On", "reasoning": "no", "on_disk": "1"},
        {"workload": {"tool_use": True, "reasoning": False}, "on_disk": True},
    ),
    "prices": ({"price_per_kwh": "0.3", "years": "3"}, {"cost": {"price_per_kwh": 0.3, "years": 3.0}}),
    "engines": ({"engine": "llama.cpp"}, {"engines": ["llama.cpp"]}),
    "an empty value": ({"context": "", "gpu": "", "limit": "5"}, {"limit": 5}),
}


@pytest.mark.parametrize("name", READ)
def test_a_query_becomes_what_a_body_would_say(name: str) -> None:
    query, body = READ[name]
    assert question_of_query(query) == (body, [])


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ({"context": "many"}, {"workload": {"context": "many"}}),
        ({"ram_gb": "1e30"}, {"hardware": {"ram_bytes": "1e30"}}),
        ({"tool_use": "perhaps"}, {"workload": {"tool_use": "perhaps"}}),
        ({"price_per_kwh": "cheap"}, {"cost": {"price_per_kwh": "cheap"}}),
    ],
)
def test_a_text_that_cannot_be_read_is_left_for_the_validator_to_name(
    query: dict[str, str], kept: dict[str, Any]
) -> None:
    assert question_of_query(query) == (kept, [])


def test_an_unknown_key_is_named_with_those_that_are_known() -> None:
    _, [error] = question_of_query({"contxt": "1", "limit": "5"})
    assert error["field"] == "contxt"
    assert "known are host, hw, ram_gb," in error["message"]


def test_figures_without_a_card_ask_for_its_name() -> None:
    asked, [error] = question_of_query({"vram_gb": "24"})
    assert (asked, error["field"]) == ({}, "gpu")


@pytest.mark.parametrize(
    ("field", "option"),
    [
        ("workload.context", "--context"),
        ("hardware.accelerators[0].name", "--gpu"),
        ("engines", "--engine"),
        ("limit", "--limit"),
        ("hardware.os", "hardware.os"),
    ],
)
def test_a_field_is_told_by_the_option_of_the_command_line(field: str, option: str) -> None:
    assert option_of(field) == option


def test_every_key_leads_to_a_field_of_the_question_and_links_carry_known_keys() -> None:
    fields = QUESTION.fields
    for key, (path, _) in KEYS.items():
        assert path[0] in fields, key
        assert len(path) == 1 or path[0] == "hardware" or path[1] in fields[path[0]].fields, key
    assert set(CARRIED) <= {*KEYS, *ACCELERATOR}
