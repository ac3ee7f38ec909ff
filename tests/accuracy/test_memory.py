"""Predictions against measured rows. The limits are what the sums reach; who makes them worse breaks the build."""

from __future__ import annotations

import pytest

from advisor.answers.about import bounds
from tests.accuracy import measured

KINDS = ("full offload", "partial", "two gpus", "cpu")
# The 90th percentile of the compute buffer alone, and of the host's beside devices.
COMPUTE = {"full offload": 0.001, "partial": 0.001, "two gpus": 0.1, "cpu": 0.01}
BESIDE = {"full offload": 0.01, "partial": 0.01, "two gpus": 0.01}


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_against_measured_rows_stays_within_its_limits(kind: str) -> None:
    score, limit = measured.scores()[kind], bounds()[f"llama.cpp, {kind}"]
    seen = {"median": score.at(0.5), "p90": score.at(0.9), "worst": score.at(1), "under": score.under}
    assert all(seen[name] <= limit[name] for name in seen), f"{kind}: {seen}"
    assert sum(measured.kind(row) == kind for row in measured.rows()) >= limit["rows"]


@pytest.mark.parametrize("kind", COMPUTE)
def test_the_compute_buffer_alone_stays_within_its_limit(kind: str) -> None:
    assert measured.scores(part="compute")[kind].at(0.9) <= COMPUTE[kind]


@pytest.mark.parametrize("kind", BESIDE)
def test_the_host_s_compute_buffer_beside_devices_stays_within_its_limit(kind: str) -> None:
    assert measured.scores(part="beside")[kind].at(0.9) <= BESIDE[kind]


def test_flash_attention_is_on_where_the_engine_turned_it_on() -> None:
    wrong = [r["id"] for r, memory in measured.predictions() if memory.flash_attention != r["flash_attn"]]
    assert wrong == []


def test_weights_on_every_device_are_exact() -> None:
    wrong = [r["id"] for r in measured.rows() if measured_parts(r, "weights") != [d.weights for d in predicted(r)]]
    assert wrong == []


def test_cache_and_state_on_every_device_are_exact() -> None:
    wrong = [r["id"] for r in measured.rows() if measured_parts(r, "context") != [d.kv for d in predicted(r)]]
    assert wrong == []


def predicted(row: measured.Row):
    return measured.predicted(row).devices


def measured_parts(row: measured.Row, part: str) -> list[int]:
    return [row[part].get(f"gpu{i}", 0) for i in range(row["settings"]["ndev"])]
