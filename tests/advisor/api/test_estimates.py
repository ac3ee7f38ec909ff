"""POST estimates/ over HTTP: one build, by id or by model and quantization, with given settings on given hardware."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from advisor.fit.engines.llama_cpp import memory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
HARDWARE = {"text": "RTX 4090, 64 GB RAM"}
SETTINGS = {"context": 32768, "gpu_layers": 99, "devices": 1}
BUILD = {"build": "qwen3-8b:Q4_K_M", "hardware": HARDWARE, "settings": SETTINGS}
NAMED = {"model": "qwen3-8b", "quantization": "Q4_K_M", "hardware": HARDWARE, "settings": SETTINGS}


def posted(body: Any, status: int = 200) -> Any:
    answer = Client(SERVER_NAME="localhost").post("/api/v1/estimates/", body, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


def problem(body: Any, status: int = 400) -> dict[str, str]:
    document = posted(body, status)
    assert document["status"] == status
    assert document["detail"]
    return {error["field"]: error["message"] for error in document["errors"]}


def without(body: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in keys}


def test_a_build_is_summed_per_device_and_on_the_host() -> None:
    answer = posted(BUILD)
    assert answer["fits"] is True
    assert answer["build"]["id"] == "qwen3-8b:Q4_K_M"
    (device,) = answer["memory"]["devices"]
    assert device["kv"] == 32768 * 36 * 2048 * 2
    assert device["total"] == sum(device[part] for part in ("weights", "kv", "compute", "overhead"))
    assert answer["memory"]["total"] == device["total"] + answer["memory"]["host"]["total"]
    assert answer["speed"]["decode_tokens_per_second"]["low"] > 0
    assert answer["settings"]["context"] == 32768


def test_the_engine_and_build_that_the_sums_are_for_are_named() -> None:
    assert posted(BUILD)["memory"]["computed_for"] == f"llama.cpp {memory.ENGINE_BUILD}"


def test_the_overhead_is_a_range_with_its_source() -> None:
    (device,) = posted(BUILD)["memory"]["devices"]
    spread = device["overhead_range"]
    assert 0 < spread["low"] <= device["overhead"] <= spread["high"]
    assert "RTX 3090" in spread["source"]


def test_a_model_with_its_quantization_names_the_same_build() -> None:
    assert posted(NAMED) == posted(BUILD)
    assert posted({**NAMED, "quantization": "q4_k_m"}) == posted(BUILD)


def test_what_does_not_fit_is_summed_all_the_same() -> None:
    answer = posted({**BUILD, "build": "llama-3.3-70b-instruct:Q8_0"})
    assert answer["fits"] is False
    assert answer["memory"]["devices"][0]["margin"] < 0


def test_without_hardware_it_is_this_machine() -> None:
    body = {**without(BUILD, "hardware"), "settings": {"context": 4096}}
    assert posted(body)["memory"]["devices"] == []


def test_layers_that_nobody_placed_lie_on_the_card() -> None:
    stated = {"context": 32768}
    whole = posted({**BUILD, "settings": stated})
    assert whole == posted({**BUILD, "settings": {**stated, "gpu_layers": 37}})
    assert whole["memory"]["devices"][0]["weights"] > 4 * 10**9
    for kept in ({"gpu_layers": 0}, {"devices": 0}):
        assert posted({**BUILD, "settings": stated | kept})["memory"]["devices"] == []
    two = posted({**BUILD, "hardware": {"text": "2x RTX 4090"}, "settings": {**stated, "tensor_split": [1, 1]}})
    assert len(two["memory"]["devices"]) == 2


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no build": (without(BUILD, "build"), "build", "Name a build, or a model"),
    "unknown build": ({**BUILD, "build": "no:such"}, "build", "not a build of this catalog"),
    "unknown model": ({**NAMED, "model": "no-such"}, "model", "not a model of this catalog"),
    "no quantization": (without(NAMED, "quantization"), "quantization", "Name the quantization"),
    "unknown quantization": ({**NAMED, "quantization": "Q9"}, "quantization", "GGUF builds known: F16"),
    "both": ({**BUILD, "model": "qwen3-8b"}, "model", "does not go together with build"),
    "unknown layout": (
        {**NAMED, "model": "deepseek-v4-flash", "quantization": "Q4_K_M"}, "quantization", "GGUF builds known: none"
    ),
    "no settings": (without(BUILD, "settings"), "settings", "required"),
    "no context": ({**BUILD, "settings": {}}, "settings.context", "required"),
    "small context": ({**BUILD, "settings": {"context": 1}}, "settings.context", "128"),
    "cache type": ({**BUILD, "settings": {**SETTINGS, "kv_type_k": "q9"}}, "settings.kv_type_k", "q9"),
    "unknown setting": ({**BUILD, "settings": {**SETTINGS, "turbo": 1}}, "settings.turbo", "not known here"),
    "too many devices": ({**BUILD, "settings": {**SETTINGS, "devices": 3}}, "settings.devices", "this machine has 1"),
    "unknown field": ({**BUILD, "colour": "red"}, "colour", "not known here"),
    "unknown engine": ({**BUILD, "engine": "x"}, "engine", "x"),
    "count of GPUs": (
        {**BUILD, "hardware": {"accelerators": [{"name": "RTX 4090", "count": 0}]}}, "hardware.accelerators[0].count",
        "1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_field_is_named_with_what_would_be_right(name: str) -> None:
    body, field, words = WRONG[name]
    assert words in problem(body)[field]


def test_unknown_and_ambiguous_hardware_says_what_to_state() -> None:
    (unknown,) = posted({**BUILD, "hardware": {"accelerators": [{"name": "Foo 9000"}]}}, 422)["errors"]
    assert unknown["field"] == "hardware.accelerators[0].name"
    assert unknown["fields"] == ["memory_bytes", "memory_bandwidth"]
    (ambiguous,) = posted({**BUILD, "hardware": {"text": "RTX 3060"}}, 422)["errors"]
    assert {choice["memory_bytes"] for choice in ambiguous["choices"]} == {8 << 30, 12 << 30}


def test_a_query_key_and_a_body_that_is_no_json_are_refused() -> None:
    client = Client(SERVER_NAME="localhost")
    answer = client.post("/api/v1/estimates/?x=1", BUILD, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "x"
    assert client.post("/api/v1/estimates/", "{", content_type="application/json").status_code == 400
