"""What is wrong with a question is said of its field, whichever door it comes by."""

from __future__ import annotations

import pytest

from advisor.fit.units import GIB
from advisor.question.errors import Invalid
from advisor.question.parse import body_of_query
from tests.support.ask import recommend
from tests.support.questions import CARD, QUESTION

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def refused(question: object) -> Invalid:
    with pytest.raises(Invalid) as caught:
        recommend(question)
    return caught.value


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
