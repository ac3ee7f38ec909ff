"""The one question behind every door, on the seed catalog: answers, errors, and what a launch would run."""

from __future__ import annotations

from io import StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command

from advisor.answers import cache
from advisor.answers import recommend as recommend_module
from advisor.answers.documents import rejection_document
from advisor.answers.wording import does_not_fit
from advisor.fit.allowances import GIB
from advisor.question.errors import DoesNotFit, Invalid
from advisor.question.parse import body_of_query
from catalog.models import Model
from hardware.hosts import Snapshot
from hardware.snapshots import refresh
from tests.support.ask import estimate, plan_for_launch, recommend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
CARD = {"accelerators": [{"name": "RTX 4090"}], "ram_bytes": 64 * GIB, "cpu_cores": 16}
QUESTION = {"hardware": CARD, "workload": {"use_case": "coding", "context": 32768}}


@pytest.fixture
def local() -> Snapshot:
    """This machine, read as it is."""
    return refresh()


def refused(question: object) -> Invalid:
    with pytest.raises(Invalid) as caught:
        recommend(question)
    return caught.value


def test_a_decision_has_the_shape_of_the_contract():
    answer = recommend(QUESTION)
    assert len(answer["decision"]) == 64
    assert answer["hardware"]["accelerators"][0]["memory_bytes"] == 25757220864
    first = answer["results"][0]
    assert set(first["score_parts"]) == {"quality", "speed", "headroom", "context"}
    (device,) = first["memory"]["devices"]
    assert device["total"] == sum(device[part] for part in ("weights", "kv", "compute", "overhead"))
    assert device["margin"] == device["available"] - device["total"] >= 0
    assert first["command"][0] == "llama-server"
    assert first["command"][first["command"].index("-fa") + 1] == (
        "on" if first["settings"]["flash_attention"] else "off"
    )
    assert first["settings"]["context"] == 32768
    assert first["quality"]["evidence"][0]["source"]
    assert len(first["reasons"]) >= 3
    rejected = answer["rejected"][0]
    assert rejected["needed_bytes"] > rejected["available_bytes"]
    assert set(rejected["fixes"][0]) == {"change", "from", "to", "gives"}


def test_the_same_question_gives_the_same_bytes_and_another_does_not():
    one, two = (orjson.dumps(recommend(QUESTION)) for _ in range(2))
    assert one == two
    other = recommend(QUESTION | {"prefer": "speed"})
    assert other["decision"] != orjson.loads(one)["decision"]


def test_an_answer_is_kept_until_something_it_rests_on_changes(monkeypatch):
    first = recommend(QUESTION)
    with monkeypatch.context() as patch:
        patch.setattr(recommend_module, "ranked", None)  # nobody ranks again
        assert recommend(QUESTION) == first
    monkeypatch.setattr(
        recommend_module, "builds_on_disk", lambda index: {first["results"][0]["build"]["id"]: "/models/x.gguf"}
    )
    again = recommend(QUESTION)
    assert again["decision"] == first["decision"]
    assert again["results"][0]["build"]["on_disk"]
    assert "/models/x.gguf" in again["results"][0]["command"]


def test_answers_kept_are_bounded():
    for context in range(1024, 1024 + cache.MOST + 5):
        cache.cached(context, dict)
    assert len(cache._answers) == cache.MOST


def test_a_question_about_this_machine_has_one_answer_per_reading(local):
    one, two = (orjson.dumps(recommend({})) for _ in range(2))
    assert one == two
    assert orjson.loads(one)["hardware"]["snapshot"]["id"] == local.pk


def test_defaults_spelled_out_are_the_same_question():
    spelled = QUESTION | {"limit": 10, "prefer": "balanced", "engines": ["llama.cpp"], "on_disk": False}
    assert recommend(spelled)["decision"] == recommend(QUESTION)["decision"]


def test_an_answer_on_stated_hardware_costs_one_query(django_assert_num_queries):
    recommend(QUESTION)
    with django_assert_num_queries(1):  # the catalog's version
        recommend(QUESTION)


def test_a_changed_catalog_is_read_again():
    before = recommend(QUESTION)["catalog_version"]
    slug = recommend(QUESTION)["results"][0]["model"]["slug"]
    row = Model.objects.get(slug=slug)
    row.status = "hidden"
    row.save()
    after = recommend(QUESTION)
    assert after["catalog_version"] != before
    assert slug not in [r["model"]["slug"] for r in after["results"]]


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"hardwear": CARD}, "hardwear"),
        ({"workload": {"contxt": 1}}, "workload.contxt"),
        ({"workload": {"context": 0}}, "workload.context"),
        ({"workload": {"context": True}}, "workload.context"),
        ({"workload": {"concurrency": 1025}}, "workload.concurrency"),
        ({"workload": {"use_case": "poetry"}}, "workload.use_case"),
        ({"workload": {"licence": "free"}}, "workload.licence"),
        ({"workload": {"languages": ["German"]}}, "workload.languages"),
        ({"workload": {"min_decode_tokens_per_second": "fast"}}, "workload.min_decode_tokens_per_second"),
        ({"hardware": {"text": "RTX 4090", "accelerators": []}}, "hardware.accelerators"),
        ({"hardware": {"host": "local", "ram_bytes": GIB}}, "hardware.ram_bytes"),
        ({"hardware": {}}, "hardware"),
        ({"hardware": {"accelerators": [{"name": "RTX 4090", "count": 65}]}}, "hardware.accelerators[0].count"),
        ({"engines": ["vllm"]}, "engines"),
        ({"limit": 0}, "limit"),
        ("what can I run?", ""),
        ([], ""),
    ],
)
def test_a_wrong_field_is_named(question, field):
    error = refused(question)
    assert error.status == 400
    assert error.errors[0]["field"].startswith(field)
    assert error.errors[0]["message"].endswith(".")


@pytest.mark.parametrize("name", ["RTX 9999", "RTX 3060"])
def test_unknown_and_ambiguous_cards_are_422(name):
    error = refused({"hardware": {"accelerators": [{"name": name}], "ram_bytes": GIB}})
    assert error.status == 422
    assert name.lower() in error.errors[0]["message"].lower()


def test_an_unknown_card_with_its_figures_stated_is_planned_on():
    stated = {"name": "RTX 9999", "memory_bytes": 32 * GIB, "memory_bandwidth": 2 * 10**12}
    answer = recommend({"hardware": {"accelerators": [stated], "ram_bytes": 64 * GIB}})
    assert answer["results"]
    assert answer["hardware"]["accelerators"][0]["source"] == "stated"


def test_an_unknown_host_is_422():
    assert refused({"hardware": {"host": "nowhere"}}).status == 422


def test_a_query_asks_what_a_body_asks():
    query = {"gpu": "RTX 4090", "ram_gb": "64", "cpu_cores": "16", "use_case": "coding", "context": "32768"}
    assert recommend(body_of_query(query))["decision"] == recommend(QUESTION)["decision"]


@pytest.mark.parametrize(
    ("query", "field"),
    [({"gpuu": "x"}, "gpuu"), ({"gpus": "2"}, "gpu"), ({"context": "many"}, "workload.context")],
)
def test_a_query_with_a_wrong_key_or_value_is_400(query, field):
    with pytest.raises(Invalid) as caught:
        recommend(body_of_query(query))
    assert (caught.value.status, caught.value.errors[0]["field"]) == (400, field)


def test_an_estimate_weighs_settings_as_stated_and_says_whether_they_fit():
    asked = {"build": "qwen3-8b:Q4_K_M", "hardware": {"accelerators": [{"name": "RTX 4090"}], "ram_bytes": 64 * GIB}}
    fitting = estimate(asked | {"settings": {"context": 8192, "gpu_layers": 37}})
    assert fitting["fits"]
    assert fitting["memory"]["devices"][0]["kv"] == 8192 * 36 * 2 * 1024 * 2
    assert not estimate(asked | {"settings": {"context": 1 << 20, "gpu_layers": 37}})["fits"]
    for wrong in ({"build": "nothing:Q4"}, {"settings": {"context": 512, "gpu_layers": 1, "devices": 3}}):
        with pytest.raises(Invalid):
            estimate(asked | {"settings": {"context": 512}} | wrong)


def test_a_launch_by_model_takes_its_best_plan_on_this_machine(local):
    plan = plan_for_launch(host="local", model="smollm2-135m-instruct", workload={"context": 2048})
    assert plan.model.slug == "smollm2-135m-instruct"
    assert plan.settings.context == 2048
    assert plan.host_margin >= 0


def test_a_launch_of_a_build_runs_the_settings_that_were_answered(local):
    question = {"hardware": {"host": "local"}, "workload": {"context": 4096}}
    first = recommend(question)["results"][0]
    by_build = plan_for_launch(host="local", build=first["build"]["id"], settings=first["settings"])
    by_rank = plan_for_launch(host="local", question=question, rank=1)
    assert by_build.settings == by_rank.settings
    assert by_build.memory.total == first["memory"]["total"]


def test_a_launch_without_room_is_refused_with_the_verdict(local):
    with pytest.raises(DoesNotFit) as caught:
        plan_for_launch(host="local", model="deepseek-v3")
    verdict = rejection_document(caught.value.rejection)
    assert verdict["needed_bytes"] > verdict["available_bytes"]
    assert "does not fit" in does_not_fit(verdict)
    with pytest.raises(DoesNotFit) as caught:
        plan_for_launch(host="local", build="smollm2-135m-instruct:Q4_K_M", settings={"context": 1 << 25})
    assert caught.value.rejection.reason == "host_memory"
    assert "context" in {fix.change for fix in caught.value.rejection.fixes}


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"model": "nothing"},
        {"build": "nothing"},
        {"model": "qwen3-8b", "engine": "vllm"},
        {"model": "qwen3-8b", "workload": {"context": 1}},
        {"build": "qwen3-8b:Q4_K_M", "settings": {"kontext": 1}},
    ],
)
def test_a_launch_that_names_nothing_known_is_invalid(local, named):
    with pytest.raises(Invalid):
        plan_for_launch(host="local", **named)


def test_the_command_line_answers_the_same_question():
    out = StringIO()
    given = {"gpu": "RTX 4090", "ram_gb": "64", "cpu_cores": "16", "use_case": "coding", "context": "32768"}
    call_command("advise", json=True, stdout=out, **given)
    assert orjson.loads(out.getvalue())["decision"] == recommend(QUESTION)["decision"]
    out = StringIO()
    call_command("advise", stdout=out, **given)
    assert out.getvalue().count("GiB") >= 10
    with pytest.raises(CommandError, match="--gpu"):
        call_command("advise", gpu="RTX 9999")
