"""Up to four plans beside each other on the first page, and a model's other plans: the address is the state."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from advisor.answers import compare_plans
from advisor.question.parse import parse
from tests.support.ask import recommend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
MACHINE = "2x RTX 3090, 64 GB RAM"
ASKED = {"hw": MACHINE, "use_case": "coding", "context": "32768"}
QUESTION = {"hardware": {"text": MACHINE}, "workload": {"use_case": "coding", "context": 32768}}


@pytest.fixture
def keys() -> list[str]:
    return [compare_plans.plan_key(result) for result in recommend(QUESTION)["results"]]


def page(*picks: str, **more: str) -> str:
    query = urlencode([*(ASKED | more).items(), *(("compare", pick) for pick in picks)])
    answer = Client(SERVER_NAME="localhost").get(f"/?{query}")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def table(text: str) -> dict[str, list[str]]:
    """Row's heading -> its cells, of the table of plans."""
    body = text.partition('<table class="beside')[2].partition("</table>")[0]
    rows = re.findall(r'<tr><th scope="(?:row|col)">(.*?)</th>(.*?)</tr>', body, re.DOTALL)
    return {re.sub("<[^>]*>", "", name): re.findall(r"<t[dh].*?</t[dh]>", cells, re.DOTALL) for name, cells in rows}


def columns(*picks: str, **workload: Any) -> list[dict[str, Any]]:
    question = QUESTION | {"workload": QUESTION["workload"] | workload}  # type: ignore[operator]
    found = compare_plans.side_by_side(parse(question), picks)
    assert found
    return list(found["columns"])


def test_the_marked_plans_stand_side_by_side_in_the_order_of_the_address(keys: list[str]) -> None:
    rows = table(page(keys[1], keys[0], keys[3]))
    names = [recommend(QUESTION)["results"][i]["model"]["name"] for i in (1, 0, 3)]
    assert [name in cell for name, cell in zip(names, rows["Plan"], strict=True)] == [True] * 3
    for heading in ("Memory", "Speed", "Quality", "Context", "Licence", "Cost", "Command"):
        assert len(rows[heading]) == 3, heading
    assert all("llama-server -hf " in cell for cell in rows["Command"])
    assert all("ommercial use" in cell for cell in rows["Licence"])


def test_another_placement_of_the_same_build_is_the_one_that_was_marked(keys: list[str]) -> None:
    other = keys[0].replace("@gpu", "@gpus")
    shown = columns(keys[0], other)
    assert [column["key"] for column in shown] == [keys[0], other]
    assert [len(column["memory"]["devices"]) for column in shown] == [1, 2]
    assert "no longer runs" not in page(other)


def test_a_fifth_is_said_and_not_shown(keys: list[str]) -> None:
    text = page(*keys[:5])
    assert len(table(text)["Plan"]) == 4
    assert "4 plans fit beside each other: the first 4 of the 5 marked are shown." in text


def test_without_marks_there_is_no_table_and_every_result_can_be_marked(keys: list[str]) -> None:
    text = page()
    assert "Side by side" not in text
    boxes = re.findall(r'<input type="checkbox" name="compare" value="([^"]*)" form="question">', text)
    assert boxes == keys
    assert 'form="question" formaction="/#compare">' in text


def test_a_marked_plan_stays_marked_and_can_be_taken_off(keys: list[str]) -> None:
    text = page(keys[0], keys[2])
    assert re.findall(r'value="([^"]*)" form="question" checked', text) == [keys[0], keys[2]]
    off = re.findall(r'href="/\?([^"]*)" aria-label="Remove', text)
    assert len(off) == 2
    assert urlencode({"compare": keys[0]}) not in off[0]
    assert urlencode({"compare": keys[2]}) in off[0]
    assert urlencode({"hw": MACHINE}) in off[0]


def test_what_no_longer_fits_says_why_and_what_fits_otherwise_is_shown(keys: list[str]) -> None:
    text = page(keys[0].replace("@gpu", "@cpu"), "deepseek-v3:Q8_0@gpus", "no-such:Q4_0@gpu", "x")
    assert "'no-such:Q4_0' is not a build of this catalog." in text
    assert "DeepSeek-V3 does not run as asked. Needs " in text
    (column,) = columns("qwen3.6-27b:Q8_0@gpu", context=262144)
    assert column["model"]["slug"] == "qwen3.6-27b"
    assert "no longer runs as it was marked: shown is " in page("qwen3.6-27b:Q8_0@gpu", context="262144")


def test_a_mark_that_the_list_does_not_show_is_kept_by_the_form(keys: list[str]) -> None:
    text = page("qwen3-8b:Q8_0@gpu")
    assert '<input type="hidden" name="compare" value="qwen3-8b:Q8_0@gpu" form="question">' in text


def test_the_other_plans_of_a_model_on_request() -> None:
    text = page(plans="qwen3.6-27b")
    shown = compare_plans.plans_of_model(parse(QUESTION), "qwen3.6-27b")
    assert len(shown) > 3
    assert shown[0]["key"] == compare_plans.plan_key(recommend(QUESTION)["results"][0])
    boxes = re.findall(r'name="compare" value="(qwen3.6-27b:[^"]*)"', text)
    assert sorted(boxes) == sorted(plan["key"] for plan in shown)
    assert len(set(boxes)) == len(boxes)
    assert f"Other plans ({len(shown) - 1})" in text
    assert "Other plans (" not in page()
    losses = {plan["build"]["quantization"]: plan["net"]["score"] for plan in shown}
    assert losses["Q5_K_M"] > losses["Q4_K_M"]


def test_cost_is_compared_where_prices_are_stated(keys: list[str]) -> None:
    assert all("state a price per kWh" in cell for cell in table(page(keys[0]))["Cost"])
    costs = table(page(keys[0], keys[1], price_per_kwh="0.3"))["Cost"]
    assert all("of electricity for a million tokens" in cell for cell in costs)


def test_what_a_link_carries_is_text(keys: list[str]) -> None:
    answer = Client(SERVER_NAME="localhost").get("/", ASKED | {"compare": "<script>x</script>", "plans": "<b>"})
    assert b"<script>x" not in answer.content
    assert b"<b>" not in answer.content


def test_the_answer_as_json_is_asked_without_what_is_marked(keys: list[str]) -> None:
    (link,) = re.findall(r'href="(/api/v1/recommendations/[^"]*)"', page(keys[0], plans="qwen3.6-27b"))
    assert "compare" not in link
    assert "plans" not in link
    assert Client(SERVER_NAME="localhost").get(link).status_code == 200
