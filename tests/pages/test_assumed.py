"""What a question leaves out: the form shows what the answer assumed, and a speed says what it counts."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from advisor.templatetags.berth import speed
from tests.support.ask import recommend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
CARD = "hw=RTX+4090,+64+GB+RAM"


def page(query: str) -> str:
    answer = Client(SERVER_NAME="localhost").get(f"/?{query}")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


@pytest.mark.parametrize(("use", "context"), [("general", 8192), ("coding", 16384), ("embedding", 512)])
def test_the_form_shows_the_context_that_the_answer_assumed(use: str, context: int) -> None:
    text = page(f"{CARD}&use_case={use}")
    assert f'<option value="{context}" selected>' in text
    (link,) = re.findall(r'href="(/api/v1/recommendations/[^"]*)"', text)
    results = Client(SERVER_NAME="localhost").get(link).json()["results"]
    assert {result["speed"]["at_context"] for result in results} == {context}


def test_the_speed_of_an_embedding_is_what_it_reads() -> None:
    text = page(f"{CARD}&use_case=embedding")
    question = {"hardware": {"text": "RTX 4090, 64 GB RAM"}, "workload": {"use_case": "embedding"}, "limit": 1}
    span = recommend(question)["results"][0]["speed"]["prefill_tokens_per_second"]
    assert f'>{speed(span["low"])}–{speed(span["high"])}</span><span class="label">tokens/s read at 512<' in text
    assert "tokens/s read" not in page(CARD)
