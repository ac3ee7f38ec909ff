"""The shapes of answers are true: real answers have all of their fields and no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from advisor.answers import shapes, vllm_shapes
from hardware.snapshots import refresh
from tests.support.shapes import untrue

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
CARD = {"hardware": {"text": "RTX 4090, 64 GB RAM"}}
PRICES = {"price_per_kwh": 0.3, "purchase_price": 2500, "years": 3, "utilisation": 0.25}
ALL_PLANS = {"expand": "plans", "limit": 40, "rejected_limit": 400}
QUESTIONS: dict[str, dict[str, Any]] = {
    "this machine": {},
    "one card": CARD | {"rejected_limit": 400},
    "every plan with its cost": CARD | {"cost": PRICES} | ALL_PLANS,
    "a cost of which nothing is stated": CARD | {"cost": {"price_per_kwh": 0.3}, "limit": 100},
    "no main memory stated": {"hardware": {"text": "2x RTX 3090"}},
    "CPU only": {"hardware": {"ram_bytes": 32 << 30}} | ALL_PLANS,
    "unified memory": {"hardware": {"text": "M3 Max 64 GB"}} | ALL_PLANS,
    "embeddings": CARD | {"workload": {"use_case": "embedding"}, "cost": PRICES},
    "a floor on speed": CARD | {"workload": {"min_decode_tokens_per_second": 90}, "rejected_limit": 400},
    "a limit on the first token": CARD | {"workload": {"max_first_token_seconds": 0.1}, "rejected_limit": 400},
    "languages": CARD
    | {"workload": {"languages": ["de"], "licence": "commercial", "tool_use": True}, "rejected_limit": 400},
    "a context that no model has": CARD | {"workload": {"context": 1_000_000}, "rejected_limit": 400},
}
SETTINGS = {"context": 8192}
ESTIMATES: dict[str, dict[str, Any]] = {
    "it fits": CARD | {"build": "qwen3-8b:Q4_K_M", "settings": SETTINGS},
    "it does not fit": CARD | {"build": "llama-3.3-70b-instruct:Q8_0", "settings": SETTINGS},
    "on this machine": {"build": "qwen3-8b:Q4_K_M", "settings": SETTINGS},
}
REQUIREMENTS: dict[str, dict[str, Any]] = {
    "some": {"model": "qwen3-32b", "limit": 100},
    "none": {"model": "qwen3-32b", "workload": {"context": 400_000}},
}
UNDER_VLLM = {
    "on one to four cards": ("qwen3.6-27b", "4x H100 SXM, 512 GB RAM"),
    "too large for one card": ("llama-3.3-70b-instruct", "4x H100 SXM, 512 GB RAM"),
    "not known": ("kimi-k3", "8x H200, 1024 GB RAM"),
    "no card": ("qwen3-8b", "64 GB RAM"),
}


def posted(to: str, body: dict[str, Any]) -> Any:
    answer = Client(SERVER_NAME="localhost").post(f"/api/v1/{to}/", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_decision_is_what_its_shape_says(name: str) -> None:
    refresh()
    assert untrue(shapes.Decision, posted("recommendations", QUESTIONS[name])) == []


@pytest.mark.parametrize("name", ESTIMATES)
def test_an_estimate_is_what_its_shape_says(name: str) -> None:
    assert untrue(shapes.Estimate, posted("estimates", ESTIMATES[name])) == []


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_requirements_are_what_their_shape_says(name: str) -> None:
    answer = posted("requirements", REQUIREMENTS[name])
    assert bool(answer["results"]) is (name == "some")
    assert untrue(shapes.Requirements, answer) == []


@pytest.mark.parametrize("name", UNDER_VLLM)
def test_a_model_under_vllm_is_what_its_shape_says(name: str) -> None:
    slug, hardware = UNDER_VLLM[name]
    answer = Client(SERVER_NAME="localhost").get(f"/api/v1/models/{slug}/vllm/", {"hw": hardware})
    assert untrue(vllm_shapes.UnderVllm, answer.json()) == []


def test_every_field_that_may_be_left_out_is_in_some_answer() -> None:
    names = ("every plan with its cost", "a floor on speed")
    text = json.dumps([posted("recommendations", QUESTIONS[name]) for name in names])
    for name in ("plans", "cost", "needed", "available"):
        assert f'"{name}":' in text


def test_a_field_too_many_or_too_few_is_told_with_its_place() -> None:
    answer = posted("recommendations", CARD)
    answer["results"][0]["memory"]["devices"][0]["colour"] = "red"
    del answer["results"][1]["quality"]["basis"]
    assert untrue(shapes.Decision, answer) == [
        "$.results[0].memory.devices[0]: Additional properties are not allowed ('colour' was unexpected)",
        "$.results[1].quality: 'basis' is a required property",
    ]
