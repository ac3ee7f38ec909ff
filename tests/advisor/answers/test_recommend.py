"""The one question behind every door, on the seed catalog."""

from __future__ import annotations

import orjson
import pytest

from advisor.answers import recommend as recommend_module
from advisor.fit.units import GIB
from catalog.models import Model
from tests.support.ask import recommend
from tests.support.questions import QUESTION, asked

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_every_plan_says_its_licence_in_plain_words() -> None:
    for result in asked(limit=20)["results"]:
        (said,) = (reason for reason in result["reasons"] if "icence" in reason)
        words = {"yes": "is allowed.", "conditions": "under conditions", "no": "Not for commercial", None: "not known"}
        assert words[result["model"]["commercial"]] in said
        assert result["model"]["licence_conditions"] in said


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
        patch.setattr(recommend_module, "rank", None)  # nobody ranks again
        assert recommend(QUESTION) == first
    monkeypatch.setattr(
        recommend_module, "builds_on_disk", lambda index: {first["results"][0]["build"]["id"]: "/models/x.gguf"}
    )
    again = recommend(QUESTION)
    assert again["decision"] == first["decision"]
    assert again["results"][0]["build"]["on_disk"]
    assert "/models/x.gguf" in again["results"][0]["command"]


def test_a_question_about_this_machine_has_one_answer_per_reading(local):
    one, two = (orjson.dumps(recommend({})) for _ in range(2))
    assert one == two
    assert orjson.loads(one)["hardware"]["snapshot"]["id"] == local.pk


def test_defaults_spelled_out_are_the_same_question():
    spelled = QUESTION | {"limit": 10, "prefer": "balanced", "engines": ["llama.cpp"], "on_disk": False}
    assert recommend(spelled)["decision"] == recommend(QUESTION)["decision"]


def test_an_answer_on_stated_hardware_costs_two_queries(django_assert_num_queries):
    recommend(QUESTION)
    with django_assert_num_queries(2):  # the catalog's version, and the files that lie here
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


def test_an_unknown_card_with_its_figures_stated_is_planned_on():
    stated = {"name": "RTX 9999", "memory_bytes": 32 * GIB, "memory_bandwidth": 2 * 10**12}
    answer = recommend({"hardware": {"accelerators": [stated], "ram_bytes": 64 * GIB}})
    assert answer["results"]
    assert answer["hardware"]["accelerators"][0]["source"] == "stated"
