"""What an expert would sign, case by case of the golden table; and what holds for every answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.answers.about import bounds
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.rank import Ranking, rank
from advisor.fit.ranking.rejections import rejections
from advisor.fit.spec import PREFERENCES, HostSpec, Workload
from advisor.fit.use_cases import USE_CASES
from advisor.selectors.hosts import host_spec
from hardware.stated import HardwareError, stated
from tests.accuracy.golden_cases import CASES, OLD_AND_SMALL, Case

pytestmark = pytest.mark.django_db  # for the catalog's one load


def machine(text: str) -> HostSpec:
    return host_spec(stated({"text": text}))


def asked(index: Index, case: Case, limit: int = 10) -> Ranking:
    return rank(index, machine(case.hardware), Workload(case.use_case, case.context, **case.asks), limit=limit)


def slugs(ranking: Ranking) -> list[str]:
    return [result.plan.model.slug for result in ranking.results]


def test_the_table_has_as_many_cases_as_is_said() -> None:
    assert len(CASES) >= bounds()["advice"]["rows"]


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.hardware} {case.use_case}: {case.why}")


@each_case
def test_the_first_answers_are_those_an_expert_gives(seeded_index, case):
    found = slugs(asked(seeded_index, case))
    known = {model.slug for model in seeded_index.catalog.models}
    assert case.top | case.all_of | case.never <= known | OLD_AND_SMALL
    assert not case.top or set(found[:5]) & case.top, found
    assert case.all_of <= set(found), found
    assert not case.never & set(found), found


@each_case
def test_no_plan_takes_more_than_is_available_and_none_is_too_short(seeded_index, case):
    host = machine(case.hardware)
    for result in asked(seeded_index, case).results:
        plan = result.plan
        assert plan.settings.context >= case.context * plan.settings.slots
        for part, index in zip(plan.memory.devices, plan.devices, strict=True):
            assert part.total <= host.devices[index].available_bytes
        shared = sum(d.total for d, i in zip(plan.memory.devices, plan.devices, strict=True) if host.devices[i].unified)
        assert host.ram_available_bytes is None or plan.memory.host.total + shared <= host.ram_available_bytes


@pytest.mark.parametrize("use_case", USE_CASES)
def test_only_models_made_for_the_task_appear(seeded_index, use_case):
    ranking = rank(seeded_index, machine("8x H200, 1024 GB RAM"), Workload(use_case, 512), limit=100)
    wanted = "embedding" if use_case == "embedding" else "generate"
    assert ranking.results
    assert {result.plan.model.task for result in ranking.results} == {wanted}


def test_a_model_without_results_never_comes_before_one_with_results(seeded_index):
    ranking = rank(seeded_index, machine("RTX 4090, 64 GB RAM"), Workload("coding", 4096), limit=100)
    bases = [result.strength.basis == "none" for result in ranking.results]
    assert bases == sorted(bases)


def test_a_30b_mixture_for_code_ranks_by_what_it_can_not_by_what_is_active(seeded_index):
    ranking = rank(seeded_index, machine("RTX 4090, 64 GB RAM"), Workload("coding", 32768), limit=100)
    found = slugs(ranking)
    assert found.index("qwen3-coder-30b-a3b-instruct") < 0.5 * len(found)
    assert found.index("qwen3-coder-30b-a3b-instruct") < found.index("qwen3-4b-thinking-2507")


def test_llama_8b_at_128k_is_not_sent_to_16_gb_with_an_f16_cache(seeded_index):
    workload = Workload("general", 131072)
    only = frozenset({"llama-3.1-8b-instruct:Q8_0"})
    ranking = rank(seeded_index, machine("RTX 4060 Ti 16GB, 8 GB RAM"), workload, limit=5, only_builds=only)
    assert not any(r.plan.placement == "gpu" and r.plan.settings.kv_type_k == "f16" for r in ranking.results)


def test_gemma_27b_fits_24_gb_with_its_sliding_windows(seeded_index):
    only = frozenset({"gemma-3-27b-it:Q4_K_M"})
    ranking = rank(seeded_index, machine("RTX 4090"), Workload("general", 32768), only_builds=only)
    assert ranking.results[0].plan.placement == "gpu"


def test_two_cards_are_two(seeded_index):
    assert len(machine("2x H100 SXM, 256 GB RAM").devices) == 2
    plans = [r.plan for r in asked(seeded_index, CASES[2]).results]
    assert any(len(plan.devices) == 2 for plan in plans)


@pytest.mark.parametrize("text", ["RTX 9999 Ultra, 64 GB RAM", "RTX 3060, 32 GB RAM"])
def test_an_unknown_or_ambiguous_card_is_asked_about(text):
    with pytest.raises(HardwareError) as caught:
        machine(text)
    assert caught.value.status == 422


def test_four_bits_of_a_larger_model_beat_eight_of_a_smaller_and_nothing_is_below_the_floor(seeded_index):
    ranking = rank(seeded_index, machine("RTX 4090, 64 GB RAM"), Workload("general", 8192), limit=100)
    first = ranking.results[0].plan
    assert first.model.parameters_total > 25e9
    for result in ranking.results:
        sizes = result.plan.build.sizes
        assert 8 * sizes.file_bytes / sizes.parameters > 3.4


def test_the_same_question_gets_the_same_answer(seeded_index):
    one, two = (asked(seeded_index, CASES[0]).results for _ in range(2))
    assert one == two


QUESTIONS = st.builds(
    Case,
    hardware=st.sampled_from(sorted({case.hardware for case in CASES})),
    use_case=st.sampled_from(list(USE_CASES)),
    why=st.just("any"),
    context=st.sampled_from([512, 4096, 20_000, 100_000, 262_144]),
    asks=st.fixed_dictionaries({"concurrency": st.sampled_from([1, 3, 16])}),
)


@settings(max_examples=12, deadline=None)
@given(case=QUESTIONS, prefer=st.sampled_from(PREFERENCES))
def test_scores_fall_places_count_up_and_every_model_is_accounted_for_once(seeded_index, case, prefer):
    host, workload = machine(case.hardware), Workload(case.use_case, case.context, **case.asks)
    ranking = rank(seeded_index, host, workload, prefer=prefer, limit=500)
    keys = [(r.strength.basis == "none", -r.score, r.plan.build.id) for r in ranking.results]
    assert keys == sorted(keys)
    assert [r.rank for r in ranking.results] == list(range(1, len(keys) + 1))
    refused = [r.model for r in rejections(seeded_index, host, workload, ranking, limit=500)]
    assert sorted(slugs(ranking) + refused) == sorted(model.slug for model in seeded_index.catalog.models)
