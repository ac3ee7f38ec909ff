from __future__ import annotations

from dataclasses import replace

from advisor.fit.engines.llama_cpp import planner
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.plans import best_plan_of
from advisor.fit.ranking.rank import pareto, rank
from advisor.fit.spec import Catalog, ModelSpec, Strength, Workload
from tests.support.builds import STRONG, WEAK, build, card, machine, model

NONE = Strength(score=90, low=90, high=90, basis="none")


def ranked(*models: ModelSpec, ram: float = 64, gib: float = 24, workload: Workload | None = None, **more: object):
    index = Index.of(Catalog(version="test", models=models))
    return rank(index, machine(card(gib), ram=ram), workload or Workload(), **more)  # type: ignore[arg-type]


def slugs(ranking) -> list[str]:
    return [r.plan.model.slug for r in ranking.results]


def test_the_stronger_of_two_equally_fast_models_comes_first():
    assert slugs(ranked(model("qwen3-8b", WEAK), model("llama-3.1-8b-instruct", STRONG))) == [
        "llama-3.1-8b-instruct",
        "qwen3-8b",
    ]


def test_a_wide_interval_costs_a_model_its_place():
    unsure = replace(STRONG, low=40)
    assert slugs(ranked(model("qwen3-8b", STRONG), model("llama-3.1-8b-instruct", unsure)))[0] == "qwen3-8b"


def test_what_has_no_evidence_comes_after_what_has_whatever_its_score():
    assert slugs(ranked(model("qwen3-8b", NONE), model("llama-3.1-8b-instruct", WEAK)))[-1] == "qwen3-8b"


def test_what_has_no_evidence_gives_way_when_the_list_is_full():
    ranking = ranked(model("qwen3-8b", NONE), model("llama-3.1-8b-instruct", WEAK), limit=1)
    assert ranking.reason(0) == "no_evidence"
    assert ranking.reason(1) is None


def test_a_model_appears_once_with_its_other_plans_on_request():
    ranking = ranked(model("qwen3-8b", quantizations=("Q4_K_M", "Q8_0")), expand=True)
    assert slugs(ranking) == ["qwen3-8b"]
    best = ranking.results[0].plan
    assert ranking.results[0].others
    assert all((p.build.id, p.placement) != (best.build.id, best.placement) for p in ranking.results[0].others)


def test_a_quantization_below_four_bits_is_taken_only_when_nothing_above_fits():
    low = build("llama-3.3-70b-instruct")
    thin = replace(low.sizes, file_bytes=int(low.sizes.parameters * 3.6 / 8))  # type: ignore[union-attr, arg-type]
    both = (replace(low, id="m:Q3", quantization="Q3_K_M", sizes=thin), low)
    chosen = ranked(model("llama-3.3-70b-instruct", builds=both)).results[0].plan.build.id
    assert chosen == "llama-3.3-70b-instruct:Q4_K_M"
    assert ranked(model("llama-3.3-70b-instruct", builds=both[:1])).results[0].plan.build.id == "m:Q3"


def test_below_the_floor_nothing_is_advised():
    only = build("llama-3.3-70b-instruct")
    crushed = replace(only.sizes, file_bytes=int(only.sizes.parameters * 2.6 / 8))  # type: ignore[union-attr, arg-type]
    ranking = ranked(model("llama-3.3-70b-instruct", builds=(replace(only, quantization="Q2_K", sizes=crushed),)))
    assert not ranking.results
    assert ranking.unfit.tolist() == [True]


def test_a_superseded_model_gives_way_only_to_a_successor_that_runs_here():
    old = model("qwen3-8b", superseded_by="llama-3.3-70b-instruct")
    successor = model("llama-3.3-70b-instruct")
    assert ranked(old, successor).reason(0) == "superseded"
    assert slugs(ranked(old, successor, ram=16, gib=12)) == ["qwen3-8b"]


def test_a_demand_on_speed_is_met_by_a_smaller_quantization_or_refused_with_the_best_there_is():
    both = model("qwen3-8b", quantizations=("Q8_0", "Q4_K_M"))
    host = machine(card(24))
    rates = [best_plan_of(planner, both, b, host, Workload()).speed.decode.mid for b in both.builds]  # type: ignore[union-attr]
    between = Workload(min_decode_tokens_per_second=sum(rates) / 2)
    assert ranked(both, workload=between).results[0].plan.build.quantization == "Q4_K_M"
    refused = ranked(both, workload=Workload(min_decode_tokens_per_second=10 * rates[1]))
    assert refused.slow[0].build.quantization == "Q4_K_M"


def test_only_the_named_builds_are_considered():
    ranking = ranked(model("qwen3-8b"), model("llama-3.1-8b-instruct"), only_builds=frozenset({"qwen3-8b:Q4_K_M"}))
    assert slugs(ranking) == ["qwen3-8b"]
    assert not len(ranking.left_out)


def test_who_prefers_speed_gets_the_faster_and_who_prefers_quality_the_better():
    better, faster = (
        model("llama-3.3-70b-instruct", STRONG),
        model("llama-3.1-8b-instruct", replace(STRONG, score=55, low=50)),
    )
    assert slugs(ranked(better, faster, prefer="speed"))[0] == "llama-3.1-8b-instruct"
    assert slugs(ranked(better, faster, prefer="quality", gib=80))[0] == "llama-3.3-70b-instruct"


def test_the_front_leaves_out_what_another_plan_beats_in_everything():
    host = machine(card(24))
    good, bad = model("llama-3.1-8b-instruct", STRONG), model("qwen3-14b", WEAK)
    plans = [best_plan_of(planner, m, m.builds[0], host, Workload()) for m in (good, bad)]
    assert pareto(plans, Workload()) == [True, False]  # type: ignore[arg-type]
