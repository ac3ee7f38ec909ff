"""Up to four plans of one question: the same as in its answer, and the best of a row once."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.answers import compare_plans
from advisor.question.parse import parse
from tests.support.ask import recommend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
MACHINE = "2x RTX 3090, 64 GB RAM"
QUESTION = {"hardware": {"text": MACHINE}, "workload": {"use_case": "coding", "context": 32768}}


@pytest.fixture
def keys() -> list[str]:
    return [compare_plans.plan_key(result) for result in recommend(QUESTION)["results"]]


def columns(*picks: str, **workload: Any) -> list[dict[str, Any]]:
    question = QUESTION | {"workload": QUESTION["workload"] | workload}  # type: ignore[operator]
    found = compare_plans.side_by_side(parse(question), picks)
    assert found
    return list(found["columns"])


def test_a_plan_is_the_same_as_in_the_answer(keys: list[str]) -> None:
    results = recommend(QUESTION)["results"]
    for column, result in zip(columns(*keys[:4]), results, strict=False):
        for name in ("build", "settings", "speed", "command", "quality"):
            assert column[name] == result[name]
        assert column["memory"]["total"] == result["memory"]["total"]


def test_the_best_of_a_row_is_marked_once(keys: list[str]) -> None:
    shown = columns(*keys[:3])
    speeds = [c["speed"]["decode_tokens_per_second"]["mid"] for c in shown]
    assert ["speed" in c["best"] for c in shown] == [speed == max(speeds) for speed in speeds]
    assert columns(keys[0])[0]["best"] == []
