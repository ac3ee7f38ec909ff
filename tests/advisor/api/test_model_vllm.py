"""GET models/{slug}/vllm/: what vLLM makes of a model's published weights on stated hardware."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def asked(slug: str, status: int = 200, **query: Any) -> Any:
    answer = Client(SERVER_NAME="localhost").get(f"/api/v1/models/{slug}/vllm/", query)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_rows_go_by_the_number_of_cards_and_hold_more_with_each() -> None:
    found = asked("qwen3.6-27b", hw="4x H100 SXM, 512 GB RAM", context=32768)
    assert found["engine"] == "vLLM 0.32.0"
    assert found["unknown"] is None
    assert found["enough_free"] is True
    assert [row["cards"] for row in found["rows"]] == [1, 2, 4]
    assert all(row["starts"] for row in found["rows"])
    assert found["rows"][0]["weights"] == pytest.approx(53_791_948_800, rel=1e-3)  # bytes of 26.9 billion bf16 values
    low = [row["tokens"]["low"] for row in found["rows"]]
    assert low == sorted(low)
    assert all(row["tokens"]["low"] < row["tokens"]["high"] for row in found["rows"])
    assert found["command"] == "vllm serve Qwen/Qwen3.6-27B --max-model-len 32768"
    assert found["pays"][0]["flag"] == "--kv-cache-dtype fp8"
    assert found["cache"]["vllm"] > found["cache"]["llama_cpp"] > 0


def test_what_is_too_large_for_one_card_starts_on_several() -> None:
    found = asked("llama-3.3-70b-instruct", hw="4x H100 SXM, 512 GB RAM", context=8192)
    # On two it hangs on what the trial run takes, which is a range: the command is for what surely starts.
    assert [row["starts"] for row in found["rows"]] == [False, None, True]
    assert found["command"].endswith("--tensor-parallel-size 4")


def test_the_context_is_cut_to_what_the_model_has() -> None:
    assert asked("qwen3-8b", hw="H100 SXM, 128 GB RAM", context=1 << 23)["context"] == 40960


@pytest.mark.parametrize("hardware", ["RX 7900 XTX, 64 GB RAM", "64 GB RAM", "M3 Max 64 GB"])
def test_without_an_nvidia_card_nothing_is_promised(hardware: str) -> None:
    found = asked("qwen3-8b", hw=hardware)
    assert "NVIDIA" in found["unknown"]
    assert found["rows"] is None


def test_a_layout_that_is_not_known_is_said() -> None:
    assert asked("kimi-k3", hw="8x H200, 1024 GB RAM")["unknown"]


def test_bad_questions_name_the_key() -> None:
    assert asked("qwen3-8b", 400, prefer="speed")["errors"][0]["field"] == "prefer"
    assert asked("qwen3-8b", 400, hw="H100 SXM", context="many")["errors"][0]["field"] == "workload.context"
    assert asked("qwen3-8b", 422, hw="RTX 9999")["status"] == 422
    assert asked("no-such-model", 404, hw="H100 SXM")["status"] == 404
