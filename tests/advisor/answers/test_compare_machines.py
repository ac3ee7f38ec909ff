"""Two machines beside each other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.ask import compare_machines, recommend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
CARD, MAC, LAPTOP = "RTX 4090, 64 GB RAM", "M3 Max 64 GB", "RTX 4060 8 GB, 16 GB RAM"


def compared(a: str, b: str, **workload: Any) -> dict[str, Any]:
    return compare_machines({"a": a, "b": b}, {"workload": workload})


def test_the_best_of_each_machine_are_what_it_gets_when_asked_alone() -> None:
    found = compared(CARD, MAC, use_case="coding", context=32768)
    for name, text in (("a", CARD), ("b", MAC)):
        question = {"hardware": {"text": text}, "workload": {"use_case": "coding", "context": 32768}, "limit": 5}
        alone = [(r["model"]["slug"], r["build"]["quantization"]) for r in recommend(question)["results"]]
        assert [(r["slug"], r["quantization"]) for r in found["sides"][name]["results"]] == alone


def test_what_both_run_has_the_ratio_of_its_speeds() -> None:
    found = compared(CARD, MAC, use_case="coding", context=32768)
    rows = {row["a"]["slug"]: row for row in found["common"]}
    dense = rows["qwen3.6-27b"]  # 1,008 against 400 GB/s
    assert 2 < dense["ratio"] < 4
    for row in rows.values():
        speeds = [row[name]["pace"]["mid"] for name in ("a", "b")]
        assert row["ratio"] == pytest.approx(speeds[0] / speeds[1], rel=0.02)


def test_what_only_one_runs_is_not_run_by_the_other() -> None:
    found = compared(LAPTOP, "2x RTX 3090, 64 GB RAM")
    assert found["only"]["a"] == []
    assert found["only"]["b"]
    question = {"hardware": {"text": LAPTOP}, "limit": 100, "rejected_limit": 0}
    runs = {r["model"]["slug"] for r in recommend(question)["results"]}
    assert not runs & {r["slug"] for r in found["only"]["b"]}
    assert not {row["a"]["slug"] for row in found["common"]} & {r["slug"] for r in found["only"]["b"]}


def test_swapping_the_machines_swaps_the_answer() -> None:
    there, back = compared(CARD, MAC), compared(MAC, CARD)
    assert there["sides"]["a"] == back["sides"]["b"]
    assert [row["a"] for row in there["common"]] == [row["b"] for row in back["common"]]
    assert there["only"]["a"] == back["only"]["b"]
