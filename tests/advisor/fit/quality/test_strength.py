from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from advisor.fit.quality.strength import canonical, kv_loss, quantization_loss, strengths
from advisor.fit.spec import Strength
from tests.plugin.berth import ROOT
from tests.support.scores import field, model, score

Answer = dict[str, dict[str, Strength]]


def first(answer: Answer, use_case: str, count: int) -> list[str]:
    rated = [(s[use_case].score, slug) for slug, s in answer.items() if use_case in s]
    return [slug for _, slug in sorted(rated, reverse=True)[:count]]


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


def test_without_evidence_a_model_ranks_below_every_scored_model_of_its_size() -> None:
    models, rows = field()
    answer = strengths([*models, model("unknown")], rows)
    unknown = answer["unknown"]["math"]
    assert unknown.basis == "none"
    assert unknown.evidence == ()
    assert unknown.score < min(answer[m.slug]["math"].score for m in models)


def test_size_alone_and_age_alone_lift_nobody() -> None:
    models, rows = field()
    answer = strengths([*models, model("huge", billions=2000, released="2026-09-01")], rows)
    assert answer["huge"]["math"].basis == "none"
    assert answer["huge"]["math"].score < 40


def test_an_empty_catalog_and_a_catalog_without_evidence_are_answered() -> None:
    assert strengths([], []) == {}
    assert strengths([model("a")], [])["a"]["chat"].basis == "none"


def test_embedding_models_are_rated_for_embedding_and_text_models_not_for_vision() -> None:
    models, rows = field()
    answer = strengths([*models, model("embedder", task="embedding"), model("ranker", task="rerank")], rows)
    assert set(answer["embedder"]) == set(answer["ranker"]) == {"embedding"}
    assert "embedding" not in answer["m01"]
    assert "vision" not in answer["m01"]


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
    path = ROOT / "advisor/fit/data/quality.json"
    table = json.loads(path.read_text())
    for part in ("quantization", "kv_cache"):
        assert all(s["where"].startswith("https://") and s["date"] for s in table[part]["sources"])
    rule = table["quantization"]["points_per_ln_perplexity"] * np.log(
        6.382937 / 6.231636
    )  # Q4_K_M over f16 of Llama 3 8B
    assert table["quantization"]["loss"]["Q4_K_M"] == pytest.approx(rule, abs=0.01)
