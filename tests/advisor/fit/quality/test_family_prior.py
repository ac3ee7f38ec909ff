from __future__ import annotations

from dataclasses import replace

from advisor.fit.quality.strength import strengths
from tests.support.scores import field, model, score


def test_a_sibling_of_the_same_generation_is_the_only_other_ground_and_is_named() -> None:
    models, rows = field()
    models[10] = replace(models[10], family="F")
    near, far = model("near", "F", released="2026-03-01"), model("far", "F", released="2023-01-01")
    answer = strengths([*models, near, far], rows)
    inferred = answer["near"]["math"]
    assert inferred.basis == "inferred"
    assert inferred.high - inferred.low > answer["m10"]["math"].high - answer["m10"]["math"].low
    assert answer["far"]["math"].basis == "none"


def test_a_smaller_sibling_is_expected_to_be_weaker() -> None:
    families = [[model(f"{f}{size}", f, size) for size in (1, 8, 70)] for f in "abcdef"]
    models = [m for family in families for m in family]
    values = {1: 25, 8: 50, 70: 70}
    rows = [
        score(m.slug, values[m.parameters_total // 10**9] + i, b)
        for b in ("Exam", "Quiz")
        for i, m in enumerate(models)
    ]  # type: ignore[operator]
    rows = [r for r in rows if r[0] != "c1"]
    answer = strengths(models, rows)
    assert answer["c1"]["math"].basis == "inferred"
    assert answer["c1"]["math"].score < answer["c8"]["math"].score - 5


def test_scores_in_other_use_cases_are_named_as_the_ground() -> None:
    models, rows = field()
    both = [*rows, *field(use_case="coding")[1]]
    answer = strengths([*models, model("coder")], [*both, score("coder", 70, use_case="coding")])
    assert answer["coder"]["math"].basis == "inferred"
