"""The reverse question over HTTP: what a well-read engineer would buy, and one sentence where nothing will do."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
URL = "/api/v1/requirements/"


def asked(body: Any, status: int = 200) -> Any:
    answer = Client(SERVER_NAME="localhost").post(URL, body, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


def named(answer: Any) -> dict[str, int]:
    return {r["accelerator"]["name"]: r["accelerator"]["count"] for r in answer["results"]}


def test_accelerators_come_smallest_first_and_each_holds_its_plan() -> None:
    answer = asked({"model": "qwen3-32b", "workload": {"use_case": "coding", "context": 32768}, "limit": 100})
    sizes = [r["accelerator"]["total_bytes"] for r in answer["results"]]
    assert sizes == sorted(sizes)
    assert len(set(named(answer))) == len(answer["results"])
    for result in answer["results"]:
        assert result["placement"] in ("gpu", "gpus")
        assert len(result["memory"]["devices"]) <= result["accelerator"]["count"]
        assert result["settings"]["context"] >= 32768
        for device in result["memory"]["devices"]:
            assert device["total"] <= device["available"]


@pytest.mark.parametrize(
    ("model", "tokens", "cards", "never"),
    [
        # 19 GB of weights and 8 GiB of cache: one card of 32 GB, or two of 16
        ("qwen3-32b", 32768, {"NVIDIA GeForce RTX 5090": 1}, {"NVIDIA T4": 1}),
        # 4.9 GB of weights and 16 GiB of cache at most: a card of 8 GB never, whatever the cache's type
        ("llama-3.1-8b-instruct", 131072, {"NVIDIA GeForce RTX 4090": 1}, {"NVIDIA GeForce RTX 4060": 1}),
        # 671B: several of the largest
        ("deepseek-v3", 32768, {"NVIDIA H200 SXM 141GB": 4}, {"NVIDIA H100 SXM5 80GB": 4}),
        ("gpt-oss-120b", 32768, {"NVIDIA H100 SXM5 80GB": 1}, {"NVIDIA GeForce RTX 4090": 2}),
    ],
)
def test_an_engineer_would_agree(model: str, tokens: int, cards: dict[str, int], never: dict[str, int]) -> None:
    found = named(asked({"model": model, "workload": {"context": tokens}, "limit": 100}))
    assert cards.items() <= found.items(), found
    assert not never.items() & found.items()


def test_a_floor_on_speed_leaves_out_what_is_too_slow() -> None:
    fast, any_speed = (
        asked({"model": "qwen3-32b", "workload": {"context": 8192} | floor, "limit": 100})["results"]
        for floor in ({"min_decode_tokens_per_second": 60}, {})
    )
    assert min(r["speed"]["decode_tokens_per_second"]["mid"] for r in fast) >= 60
    assert fast[0]["accelerator"]["total_bytes"] > any_speed[0]["accelerator"]["total_bytes"]


def test_what_no_machine_can_do_is_said_with_what_would_help() -> None:
    answer = asked({"model": "qwen3-32b", "workload": {"context": 400_000}})
    assert answer["results"] == []
    (rejected,) = answer["rejected"]
    assert (rejected["reason"], rejected["available"]) == ("context", 40960)
    assert rejected["fixes"][0]["to"] == 40960


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "model"),
        ({"model": "no-such-model"}, "model"),
        ({"model": "qwen3-32b", "workload": {"context": "long"}}, "workload.context"),
        ({"model": "qwen3-32b", "hardware": {}}, "hardware"),
        ({"model": "qwen3-32b", "limit": 0}, "limit"),
    ],
)
def test_a_wrong_body_names_its_field(body: Any, field: str) -> None:
    problem = asked(body, 400)
    assert [error["field"] for error in problem["errors"]] == [field]
