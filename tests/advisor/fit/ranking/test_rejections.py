from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.fit.engines.llama_cpp import planner
from advisor.fit.engines.llama_cpp.placement import as_stated, place
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.plans import planned
from advisor.fit.ranking.rank import rank
from advisor.fit.ranking.rejections import reference_device, rejections, stated_rejection
from advisor.fit.spec import Catalog, Device, HostSpec, Rejection, Workload
from advisor.fit.units import GIB
from tests.support.builds import WEAK, card, machine, model

SHOP = tuple(
    reference_device(d)
    for d in (card(12, 300, "small"), card(24, 900, "middle"), card(48, 900, "large"), card(80, 3000, "huge"))
)


def refused(
    *models, host: HostSpec | None = None, workload: Workload | None = None, gpus: tuple[Device, ...] = SHOP
) -> list[Rejection]:
    index = Index.of(Catalog("test", models))
    host, workload = host or machine(card(8), ram=16), workload or Workload()
    return rejections(index, host, workload, rank(index, host, workload), gpus=gpus)


def fixes(rejection: Rejection) -> dict[str, object]:
    return {fix.change: fix.to for fix in rejection.fixes}


def test_a_model_too_large_says_how_many_bytes_are_needed_and_available():
    (only,) = refused(model("llama-3.3-70b-instruct"))
    assert (only.reason, only.build) == ("gpu_memory", "llama-3.3-70b-instruct:Q4_K_M")
    assert only.needed > 40 * GIB
    assert only.available == machine(card(8)).devices[0].available_bytes


def test_without_a_gpu_the_host_is_the_constraint():
    (only,) = refused(model("qwen3-32b"), host=machine(ram=16))
    assert only.reason == "host_memory"
    assert only.available == 16 * GIB


def test_the_smallest_gpu_that_would_do_is_named():
    (only,) = refused(model("llama-3.3-70b-instruct"))
    assert fixes(only)["gpu"] == "large"
    (only,) = refused(model("llama-3.3-70b-instruct"), gpus=SHOP[:2])
    assert fixes(only)["gpu"] == "2x middle"


def test_every_fix_of_memory_holds_when_it_is_made():
    host, workload = machine(card(8), ram=16), Workload(context=32768, concurrency=4)
    (only,) = refused(model("qwen3-32b"), host=host, workload=workload)
    build = model("qwen3-32b").builds[0].sizes
    given = fixes(only)
    assert {"concurrency", "ram_bytes", "gpu"} & set(given)
    if "context" in given:
        assert place(build, host, replace(workload, context=given["context"]))
    if "concurrency" in given:
        assert place(build, host, replace(workload, concurrency=given["concurrency"]))
    if "gpu" in given:
        shop = {d.name: d for d in SHOP}
        assert place(build, HostSpec((shop[given["gpu"]],), None, None), workload)


def test_less_context_is_offered_at_the_longest_that_fits():
    build, host, workload = model("phi-4").builds[0].sizes, machine(card(8), ram=2.5), Workload(context=16384)
    (only,) = refused(model("phi-4"), host=host, workload=workload)
    context = fixes(only)["context"]
    assert place(build, host, replace(workload, context=context))
    assert not place(build, host, replace(workload, context=2 * context))


def test_one_more_of_the_same_gpu_is_offered_when_it_is_enough():
    (only,) = refused(model("qwen3-32b"), host=machine(card(12), ram=3), gpus=())
    assert fixes(only)["gpus"] == 2


def test_a_slow_model_says_what_it_reaches_and_which_gpu_is_fast_enough():
    asked = Workload(min_decode_tokens_per_second=50)
    (only,) = refused(model("qwen3-8b"), host=machine(card(24, 200, "middle"), ram=64), workload=asked)
    assert only.reason == "speed"
    assert only.needed == 50
    assert 0 < only.available < 50
    assert fixes(only)["gpu"] in {"middle", "large", "huge"}


def test_a_late_first_token_is_mended_by_less_context():
    asked = Workload(context=32768, max_first_token_seconds=5)
    (only,) = refused(model("qwen3-8b"), host=machine(ram=64), workload=asked)
    assert only.reason == "first_token"
    assert only.available > only.needed


@pytest.mark.parametrize(
    ("changes", "asked", "change", "to"),
    [
        ({"licence": "x", "commercial": "no"}, Workload(licence="commercial"), "licence", "x"),
        ({}, Workload(context=100_000), "context", 40960),
        ({}, Workload(input_modalities=("image", "text")), "input_modalities", ["text"]),
        ({"languages": ("en",)}, Workload(languages=("de",)), "languages", ["en"]),
    ],
)
def test_a_missed_requirement_says_which_demand_to_drop(changes, asked, change, to):
    (only,) = refused(model("qwen3-8b", **changes), workload=asked)
    assert fixes(only) == {change: to}


def test_the_strongest_are_explained_first_and_what_no_change_helps_last():
    found = refused(
        model("qwen3-8b", WEAK, licence="nc", commercial="no"),
        model("llama-3.1-8b-instruct", licence="nc", commercial="no"),
        model("phi-4", builds=()),
        workload=Workload(licence="commercial"),
    )
    assert [r.model for r in found] == ["llama-3.1-8b-instruct", "qwen3-8b", "phi-4"]


def test_stated_settings_without_room_get_single_changes_that_would_fit():
    host, one = machine(card(8), ram=64), model("qwen3-8b", quantizations=("Q8_0", "Q4_K_M"))
    settings = Settings(context=32768, gpu_layers=37, devices=1)
    build = one.builds[0]
    made = planned(planner, one, build, host, as_stated(build.sizes, host, settings), prompt_tokens=32768)
    refusal = stated_rejection(made, host, SHOP)
    assert refusal.reason == "gpu_memory"
    assert refusal.needed > refusal.available
    for fix in refusal.fixes:
        if fix.change == "kv_type":
            changed = settings._replace(kv_type_k=fix.to, kv_type_v=fix.to)
            assert as_stated(build.sizes, host, changed).fits
        if fix.change == "context":
            assert as_stated(build.sizes, host, settings._replace(context=fix.to)).fits
    assert refusal.fixes
