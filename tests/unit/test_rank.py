from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.fit.engines.llama_cpp.placement import KINDS, place
from advisor.fit.ranking import utility
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.filters import MEETS, Traits, missed
from advisor.fit.ranking.plans import plan
from advisor.fit.ranking.rank import pareto, rank
from advisor.fit.ranking.screen import NEVER, catalog_columns, screen
from advisor.fit.spec import REASONS, BuildSpec, Catalog, ModelSpec, Strength, Workload
from tests.unit.builds import card, machine, pooled, sizes

STRONG = Strength(score=80, low=75, high=85, basis="evidence")
WEAK = Strength(score=40, low=35, high=45, basis="evidence")
NONE = Strength(score=90, low=90, high=90, basis="none")


def build(slug: str, quantization: str = "Q4_K_M", **more: object) -> BuildSpec:
    made = sizes(slug, quantization)
    given = {"format": "gguf", "repo": None, "files": (), "basis": "computed"} | more
    return BuildSpec(id=f"{slug}:{quantization}", quantization=quantization, bytes=made.file_bytes, sizes=made, **given)  # type: ignore[arg-type]


def model(
    slug: str, strength: Strength = STRONG, quantizations: tuple[str, ...] = ("Q4_K_M",), **more: object
) -> ModelSpec:
    given = {
        "name": slug,
        "hub_id": f"org/{slug}",
        "family": slug,
        "licence": "apache-2.0",
        "commercial": "yes",
        "released": "2026-01-01",
        "parameters_total": sizes(slug).parameters,
        "parameters_active": None,
        "context_length": sizes(slug).context_length,
        "input_modalities": ("text",),
        "languages": (),
        "tool_use": None,
        "reasoning": None,
        "task": "generate",
        "superseded_by": None,
        "builds": tuple(build(slug, q) for q in quantizations),
        "strengths": {"general": strength},
    } | more
    return ModelSpec(slug=slug, **given)  # type: ignore[arg-type]


def ranked(*models: ModelSpec, ram: float = 64, gib: float = 24, workload: Workload | None = None, **more: object):
    index = Index.of(Catalog(version="test", models=models))
    return rank(index, machine(card(gib), ram=ram), workload or Workload(), **more)  # type: ignore[arg-type]


def first_missed(one: ModelSpec, workload: Workload) -> str | None:
    (code,) = missed(Traits.of((one,)), workload)
    return None if code == MEETS else REASONS[code]


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
    rates = [plan(both, b, host, Workload()).speed.decode.mid for b in both.builds]  # type: ignore[union-attr]
    between = Workload(min_decode_tokens_per_second=sum(rates) / 2)
    assert ranked(both, workload=between).results[0].plan.build.quantization == "Q4_K_M"
    refused = ranked(both, workload=Workload(min_decode_tokens_per_second=10 * rates[1]))
    assert refused.slow[0].build.quantization == "Q4_K_M"


def test_only_the_named_builds_are_considered():
    ranking = ranked(model("qwen3-8b"), model("llama-3.1-8b-instruct"), only_builds=frozenset({"qwen3-8b:Q4_K_M"}))
    assert slugs(ranking) == ["qwen3-8b"]
    assert not len(ranking.left_out)


@pytest.mark.parametrize(
    ("changes", "asked", "reason"),
    [
        ({"licence": "cc-by-nc-4.0", "commercial": "no"}, {"licence": "commercial"}, "licence"),
        ({}, {"licence": ("mit",)}, "licence"),
        ({"commercial": None}, {"licence": "commercial"}, "licence"),
        ({}, {"input_modalities": ("text", "image")}, "modality"),
        ({}, {"use_case": "vision"}, "modality"),
        ({"languages": ("en",)}, {"languages": ("de",)}, "language"),
        ({}, {"tool_use": True}, "tool_use"),
        ({"reasoning": True}, {"reasoning": False}, "reasoning"),
        ({}, {"context": 50_000}, "context"),
        ({"task": "rerank"}, {}, "embedding"),
        ({"task": "embedding"}, {}, "embedding"),
        ({}, {"use_case": "embedding"}, "embedding"),
        ({"builds": ()}, {}, "unknown_layout"),
        ({"commercial": "conditions"}, {"licence": "commercial"}, None),
        ({"licence": "mit"}, {"licence": ("mit", "apache-2.0")}, None),
        ({"languages": ("de", "en")}, {"languages": ("de",)}, None),
        ({"tool_use": True}, {"tool_use": True}, None),
    ],
)
def test_each_requirement_bars_what_misses_it_and_nothing_else(changes, asked, reason):
    assert first_missed(model("qwen3-8b", **changes), Workload(**asked)) == reason


def test_a_build_for_another_engine_is_not_of_this_one():
    foreign = replace(build("qwen3-8b"), format="safetensors")
    assert first_missed(model("qwen3-8b", builds=(foreign,)), Workload()) == "engine"


def test_who_prefers_speed_gets_the_faster_and_who_prefers_quality_the_better():
    better, faster = (
        model("llama-3.3-70b-instruct", STRONG),
        model("llama-3.1-8b-instruct", replace(STRONG, score=55, low=50)),
    )
    assert slugs(ranked(better, faster, prefer="speed"))[0] == "llama-3.1-8b-instruct"
    assert slugs(ranked(better, faster, prefer="quality", gib=80))[0] == "llama-3.3-70b-instruct"


def test_speed_saturates_at_the_need_and_nothing_makes_up_for_a_crawl():
    asked = Workload("chat")
    crawl, fine, fast = (utility.speed_part(asked, "balanced", rate) for rate in (0.3, 30.0, 300.0))
    assert crawl < 0.15
    assert fast - fine < 0.02


def test_the_front_leaves_out_what_another_plan_beats_in_everything():
    host = machine(card(24))
    good, bad = model("llama-3.1-8b-instruct", STRONG), model("qwen3-14b", WEAK)
    plans = [plan(m, m.builds[0], host, Workload()) for m in (good, bad)]
    assert pareto(plans, Workload()) == [True, False]  # type: ignore[arg-type]


MACHINES = st.builds(
    lambda cards, ram: machine(*(card(gib) for gib in cards), ram=ram),
    st.lists(st.sampled_from([4, 8, 12, 24, 48, 80]), max_size=3),
    st.sampled_from([4, 16, 64, 256]),
)
MODELS = tuple(
    model(s)
    for s in ("qwen3-8b", "qwen3-30b-a3b", "gemma-3-27b-it", "llama-3.3-70b-instruct", "mixtral-8x7b-instruct-v0.1")
)


@settings(max_examples=60, deadline=None)
@given(host=MACHINES | st.builds(pooled, st.sampled_from([16, 32, 64, 128])), context=st.integers(512, 40_000))
def test_the_screen_never_hides_a_placement_that_the_exact_sum_allows(host, context):
    catalog = Catalog("test", MODELS)
    found = screen(catalog_columns(catalog), host, Workload(context=context))
    for one, kind in zip(MODELS, found.kind, strict=True):
        placed = place(one.builds[0].sizes, host, Workload(context=context))
        if placed:
            assert kind != NEVER
            assert kind <= KINDS.index(placed.placement)
