from __future__ import annotations

import pytest

from advisor.answers.documents import rejection_document
from advisor.answers.wording import does_not_fit
from advisor.question.errors import DoesNotFit, Invalid
from tests.support.ask import plan_for_launch, recommend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


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
