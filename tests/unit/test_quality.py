from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from advisor.fit.quality.strength import ModelFacts, canonical, kv_loss, quantization_loss, strengths
from advisor.fit.spec import USE_CASES, Evidence, Strength
from bench.quality import catalog

Answer = dict[str, dict[str, Strength]]
GENERAL_USES = ("chat", "coding", "math", "reasoning", "tool_use")


def model(
    slug: str, family: str = "", billions: float | None = 8, released: str | None = "2026-01-01", **more: str
) -> ModelFacts:
    size = None if billions is None else int(billions * 1e9)
    return ModelFacts(slug, slug, f"org/{slug}", family or slug, "org", released, size, size, **more)  # type: ignore[arg-type]


def score(
    slug: str, value: float, benchmark: str = "Exam", use_case: str = "math", **more: object
) -> tuple[str, Evidence]:
    row = Evidence(benchmark, "1", "%", value, use_case, "2026-02-01", "somewhere", True)
    return slug, replace(row, **more)  # type: ignore[arg-type]


def field(count: int = 12, use_case: str = "math") -> tuple[list[ModelFacts], list[tuple[str, Evidence]]]:
    """Models m00 (weakest) to m11 with two agreeing benchmarks."""
    models = [model(f"m{i:02d}") for i in range(count)]
    rows = [score(m.slug, 20 + 5 * i, use_case=use_case) for i, m in enumerate(models)]
    rows += [score(m.slug, 10 + 6 * i, "Quiz", use_case) for i, m in enumerate(models)]
    return models, rows


@pytest.fixture(scope="module")
def seeded() -> Answer:
    return strengths(*catalog())


def first(answer: Answer, use_case: str, count: int) -> list[str]:
    rated = [(s[use_case].score, slug) for slug, s in answer.items() if use_case in s]
    return [slug for _, slug in sorted(rated, reverse=True)[:count]]


# ---------------------------------------------------------------- the model


def test_agreeing_benchmarks_give_their_order() -> None:
    models, rows = field()
    answer = strengths(models, rows)
    assert first(answer, "math", 12) == [f"m{i:02d}" for i in reversed(range(12))]


def test_the_order_in_which_evidence_arrives_changes_nothing() -> None:
    models, rows = field()
    assert strengths(models, rows) == strengths(models[::-1], rows[::-1])


def test_one_score_leaves_a_wider_interval_than_many() -> None:
    models, rows = field()
    rows += [score("m06", 50, f"Test {i}") for i in range(6)]
    rows += [score(f"m{j:02d}", 20 + 5 * j, f"Test {i}") for i in range(6) for j in (2, 4, 8, 10)]
    models.append(model("thin"))
    rows.append(score("thin", 50))
    answer = strengths(models, rows)
    thin, known = answer["thin"]["math"], answer["m06"]["math"]
    assert thin.high - thin.low > 1.3 * (known.high - known.low)


def test_a_vendors_own_score_moves_a_model_less_than_an_independent_one() -> None:
    models, rows = field()
    models += [model("claimed"), model("measured")]
    rows += [
        score(m.slug, e.value, "Vendor exam", third_party=False)
        for m in models[:12]
        for s, e in rows[:12]
        if s == m.slug
    ]
    rows += [score("claimed", 90, "Vendor exam", third_party=False), score("measured", 90)]
    answer = strengths(models, rows)
    claimed, measured = answer["claimed"]["math"], answer["measured"]["math"]
    assert claimed.score < measured.score
    assert claimed.high - claimed.low > measured.high - measured.low


def test_an_old_score_counts_less_than_a_new_one() -> None:
    models, rows = field()
    models += [model("old"), model("new")]
    rows += [score("old", 80, date="2022-02-01"), score("new", 80)]
    answer = strengths(models, rows)
    spans = {k: answer[k]["math"].high - answer[k]["math"].low for k in ("old", "new")}
    assert spans["old"] > spans["new"]


def test_a_missing_score_is_not_a_low_one() -> None:
    models, rows = field()
    without = strengths(models, [r for r in rows if not (r[0] == "m11" and r[1].benchmark == "Quiz")])
    assert first(without, "math", 2)[0] == "m11"


def test_a_benchmark_where_lower_is_better_is_turned_round() -> None:
    models, rows = field(use_case="chat")
    habit = [score(m.slug, 20 - i, "Vectara HHEM hallucination rate", "chat") for i, m in enumerate(models)]
    one = strengths(models, rows + habit)["m11"]["chat"]
    wrong = strengths(models, rows + [(s, replace(e, value=20 - e.value)) for s, e in habit])["m11"]["chat"]
    assert one.high - one.low < wrong.high - wrong.low


def test_evidence_lists_the_best_row_of_the_newest_version_once_per_benchmark() -> None:
    models, rows = field()
    rows += [score("m05", 44, version="0", date="2025-01-01"), score("m05", 47), score("m05", 46)]
    listed = strengths(models, rows)["m05"]["math"].evidence
    assert sorted((e.benchmark, e.value) for e in listed) == [("Exam", 47), ("Quiz", 40)]


def test_sources_spell_one_benchmark_in_several_ways() -> None:
    assert canonical("GPQA") == canonical("Gpqa ") == canonical("GPQA Diamond")


# ---------------------------------------------------------------- without evidence


def test_without_evidence_a_model_ranks_below_every_scored_model_of_its_size() -> None:
    models, rows = field()
    answer = strengths([*models, model("unknown")], rows)
    unknown = answer["unknown"]["math"]
    assert unknown.basis == "none"
    assert unknown.note == "no evidence"
    assert unknown.evidence == ()
    assert unknown.score < min(answer[m.slug]["math"].score for m in models)


def test_size_alone_and_age_alone_lift_nobody() -> None:
    models, rows = field()
    answer = strengths([*models, model("huge", billions=2000, released="2026-09-01")], rows)
    assert answer["huge"]["math"].basis == "none"
    assert answer["huge"]["math"].score < 40


def test_a_sibling_of_the_same_generation_is_the_only_other_ground_and_is_named() -> None:
    models, rows = field()
    models[10] = replace(models[10], family="F")
    near, far = model("near", "F", released="2026-03-01"), model("far", "F", released="2023-01-01")
    answer = strengths([*models, near, far], rows)
    inferred = answer["near"]["math"]
    assert inferred.basis == "inferred"
    assert "m10" in inferred.note
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
    assert answer["coder"]["math"].note == "inferred from its scores in other use cases"


def test_an_empty_catalog_and_a_catalog_without_evidence_are_answered() -> None:
    assert strengths([], []) == {}
    assert strengths([model("a")], [])["a"]["chat"].basis == "none"


def test_embedding_models_are_rated_for_embedding_and_text_models_not_for_vision() -> None:
    models, rows = field()
    answer = strengths([*models, model("embedder", task="embedding"), model("ranker", task="rerank")], rows)
    assert set(answer["embedder"]) == set(answer["ranker"]) == {"embedding"}
    assert "embedding" not in answer["m01"]
    assert "vision" not in answer["m01"]


# ---------------------------------------------------------------- the seed


def test_every_score_lies_in_its_interval_on_the_scale(seeded: Answer) -> None:
    for by in seeded.values():
        for use_case, s in by.items():
            assert use_case in USE_CASES
            assert 0 <= s.low <= s.score <= s.high <= 100


@pytest.mark.parametrize("use_case", ["general", *GENERAL_USES])
def test_the_leaders_are_large_open_models_of_the_last_year(seeded: Answer, use_case: str) -> None:
    facts = {m.slug: m for m in catalog()[0]}
    leaders = first(seeded, use_case, 15)
    assert all(facts[slug].released >= "2025-09" for slug in leaders)  # type: ignore[operator]
    assert all(seeded[slug][use_case].basis != "none" for slug in leaders)
    assert {"glm-5.2", "deepseek-v4-pro", "kimi-k2.6"} <= set(leaders)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("gemma-4-31b-it", "gemma-3-27b-it"),
        ("gemma-3-27b-it", "gemma-2-27b-it"),
        ("qwen3.6-27b", "qwen3-32b"),
        ("qwen3-32b", "qwen2.5-32b-instruct"),
        ("llama-3.3-70b-instruct", "llama-3.1-8b-instruct"),
        ("gpt-oss-120b", "gpt-oss-20b"),
        ("glm-5.2", "glm-4.5-air"),
        ("gpt-oss-20b", "mistral-7b-instruct-v0.3"),
    ],
)
def test_what_every_reader_of_leaderboards_knows(seeded: Answer, better: str, worse: str) -> None:
    for use_case in ("general", "coding", "math"):
        assert seeded[better][use_case].score > seeded[worse][use_case].score


def test_the_whole_catalog_is_rated_within_a_second() -> None:
    models, rows = catalog()
    start = time.process_time()
    strengths(models, rows)
    assert time.process_time() - start < 1.0


# ---------------------------------------------------------------- quantization


def test_fewer_bits_cost_more() -> None:
    names = ("F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K", "IQ2_XXS", "IQ1_S")
    losses = [quantization_loss(name, 8_000_000_000) for name in names]
    assert losses == sorted(losses)
    assert losses[0] == 0
    assert losses[4] < 2
    assert losses[6] > 10


def test_larger_models_lose_less() -> None:
    losses = [quantization_loss("Q4_K_M", int(n * 1e9)) for n in (0.6, 8, 70, 400)]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 2 * losses[2]


def test_two_bits_are_a_heavy_penalty_even_for_seventy_billion() -> None:
    assert quantization_loss("Q2_K", 70_000_000_000) > 8 * quantization_loss("Q4_K_M", 70_000_000_000)


def test_the_form_a_model_was_trained_in_costs_nothing() -> None:
    assert quantization_loss("MXFP4", 20_000_000_000) > 0
    assert quantization_loss("MXFP4", 20_000_000_000, native="mxfp4") == 0


def test_publishers_spellings_are_known_and_nonsense_is_refused() -> None:
    assert quantization_loss("UD-Q4_K_XL", None) == quantization_loss("q4_k_m", None)
    with pytest.raises(KeyError):
        quantization_loss("Q9", None)


def test_a_packed_cache_costs_little_at_eight_bits_and_more_at_four() -> None:
    assert kv_loss("f16") == 0
    assert 0 < kv_loss("q8_0") < 0.5 < kv_loss("q4_0")


def test_losses_follow_the_stated_rule_and_name_their_sources() -> None:
    path = Path(__file__).parents[2] / "advisor/fit/data/quality.json"
    table = json.loads(path.read_text())
    for part in ("quantization", "kv_cache"):
        assert all(s["where"].startswith("https://") and s["date"] for s in table[part]["sources"])
    rule = table["quantization"]["points_per_ln_perplexity"] * np.log(
        6.382937 / 6.231636
    )  # Q4_K_M over f16 of Llama 3 8B
    assert table["quantization"]["loss"]["Q4_K_M"] == pytest.approx(rule, abs=0.01)
