"""Which models one beats on a machine, and which beat it: both held against what the machine is advised."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.answers.model_rank import AGAINST, model_rank
from advisor.question.parse import parse
from tests.support.ask import recommend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
MACHINE = "2x RTX 3090, 64 GB RAM"
QUESTION = {"hardware": {"text": MACHINE}, "workload": {"use_case": "coding", "context": 32768}}


@pytest.fixture(scope="module")
def merits(seeded: None) -> dict[str, tuple[float, float]]:
    """Quality and speed of every answer of the machine that has published results."""
    results = recommend(QUESTION | {"limit": AGAINST, "rejected_limit": 0})["results"]
    return {
        r["model"]["slug"]: (
            r["quality"]["score"] - r["quality"]["quantization_loss"],
            r["speed"]["decode_tokens_per_second"]["mid"],
        )
        for r in results
        if r["quality"]["basis"] != "none"
    }


def found(slug: str, **workload: Any) -> dict[str, Any]:
    answer = model_rank(parse(QUESTION | {"workload": QUESTION["workload"] | workload}), slug)  # type: ignore[operator]
    assert answer
    return answer


def test_what_it_beats_is_neither_stronger_nor_faster(merits: dict[str, tuple[float, float]]) -> None:
    answer, slack = found("qwen3-30b-a3b"), 0.2  # what a document rounds away
    own = merits["qwen3-30b-a3b"]
    assert answer["below"]
    assert answer["above"]
    for other in answer["below"]:
        assert merits[other["slug"]][0] <= own[0] + slack
        assert merits[other["slug"]][1] <= own[1] * 1.01
    for other in answer["above"]:
        assert merits[other["slug"]][0] >= own[0] - slack
        assert merits[other["slug"]][1] >= own[1] * 0.99
    clear = [m for m in merits.values() if m[0] < own[0] - slack and m[1] < own[1] * 0.99]
    assert len(clear) <= answer["beats"] <= answer["others"] == len(merits) - 1


def test_nothing_on_the_front_is_beaten() -> None:
    for result in recommend(QUESTION | {"limit": AGAINST, "rejected_limit": 0})["results"]:
        if result["pareto"] and result["quality"]["basis"] != "none":
            assert found(result["model"]["slug"])["beaten_by"] == 0


def test_beating_goes_one_way() -> None:
    answer = found("qwen3-30b-a3b")
    for other in answer["below"][:3]:
        assert found(other["slug"])["beaten_by"] >= 1


def test_what_does_not_run_or_has_no_results_says_so() -> None:
    assert "It does not run so. Needs " in found("deepseek-v3")["reason"]
    assert "not made for this task" in found("qwen3-embedding-8b")["reason"]
    assert model_rank(parse(QUESTION), "no-such") is None
