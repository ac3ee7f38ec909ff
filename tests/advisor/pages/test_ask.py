"""The first page in every state a person can find it in, with what it says where something is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from advisor.fit.engines.llama_cpp.memory import COMPUTED_FOR
from advisor.templatetags.berth import speed
from hardware.models import Host, Snapshot
from hardware.snapshots import refresh
from tests.advisor.pages.conftest import page
from tests.support.ask import recommend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
CARD = "hw=RTX+4090,+64+GB+RAM"


def test_the_question_about_this_machine(client: Client, local: Host) -> None:
    text = page(client, "/")
    assert "What can I run here?" in text
    assert len(re.findall(r'<li class="result"', text)) == 10
    assert text.count(f"summed as {COMPUTED_FOR} allocates") == 10
    assert "Why not the others" in text
    assert "read " in text
    assert 'aria-label="Launch SmolLM2-135M-Instruct"' in text


def test_what_would_help_is_said_in_words(client: Client) -> None:
    text = page(client, "/?hw=2x+RTX+3090,+64+GB+RAM&rejected_limit=60")
    assert "Main memory 64.0 GiB → " in text
    assert not re.search(r"→ \d{9,}", text)  # bytes as a machine writes them
    assert ">DeepSeek-V3</a></td>" in text


@pytest.mark.parametrize(
    ("query", "said", "kept"),
    [
        ("hw=Foo+9000", "&#x27;Foo 9000&#x27; is not a GPU that Berth knows", 'value="Foo 9000"'),
        ("hw=RTX+3060,+32+GB+RAM", "can be several cards", 'value="RTX 3060, 32 GB RAM"'),
        ("min_decode_tokens_per_second=fast", "valid number", 'value="fast"'),
        ("concurrency=0", "greater than or equal to 1", 'value="0"'),
        ("use_case=poetry", "poetry", ""),
        ("colour=red", "colour is not a query key", ""),
        ("languages=German", "not a language code", 'value="German"'),
    ],
)
def test_a_wrong_entry_is_one_sentence_and_nothing_is_lost(client: Client, query: str, said: str, kept: str) -> None:
    answer = client.get(f"/?{query}")
    assert answer.status_code in (400, 422)
    text = answer.content.decode()
    assert said in text
    assert kept in text
    ways = "Which one is it?" if "RTX" in query else "Written in these ways, hardware is known"
    assert (ways in text) == (answer.status_code == 422)


def test_the_answer_stands_in_short_above_the_list(client: Client) -> None:
    text = page(client, "/?hw=2x+RTX+3090,+64+GB+RAM&use_case=coding&context=32768")
    short = re.findall(r'<a href="#answer-(\d+)">\n<span class="small soft">([^<]+)</span>', text)
    assert short[0][0] == "1"
    assert sorted(", ".join(words for _, words in short).lower().split(", ")) == ["best match", "fastest", "strongest"]
    speeds = [float(speed) for speed in re.findall(r'<span class="big num">[\d.]+–([\d.]+)<', text)]
    fastest = next(int(rank) for rank, words in short if "fastest" in words.lower())
    assert speeds[fastest - 1] == max(speeds)
    assert 'class="headline"' not in page(client, "/?hw=CPU+only,+1+GB+RAM&languages=xx")


def test_an_old_reading_says_so(client: Client, local: Host) -> None:
    Snapshot.objects.update(taken=timezone.now() - timedelta(hours=3))
    text = page(client, "/")
    assert "(stale)" in text
    assert "read 3 h ago" in text


def test_a_failed_probe_is_told_and_the_machine_is_still_answered(client: Client, driver: Callable[..., None]) -> None:
    driver(GPUS="NVIDIA GeForce RTX 4090|24564|412|8.9", FAULTS="nvmlDeviceGetMemoryInfo_v2=999")
    refresh()
    text = page(client, "/")
    assert "note warn" in text
    assert '<li class="result"' in text


def asked_page(query: str) -> str:
    answer = Client(SERVER_NAME="localhost").get(f"/?{query}")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


@pytest.mark.parametrize(("use", "tokens"), [("general", 8192), ("coding", 16384), ("embedding", 512)])
def test_the_form_shows_the_context_that_the_answer_assumed(use: str, tokens: int) -> None:
    text = asked_page(f"{CARD}&use_case={use}")
    assert f'<option value="{tokens}" selected>' in text
    (link,) = re.findall(r'href="(/api/v1/recommendations/[^"]*)"', text)
    results = Client(SERVER_NAME="localhost").get(link).json()["results"]
    assert {result["speed"]["at_context"] for result in results} == {tokens}


def test_the_speed_of_an_embedding_is_what_it_reads() -> None:
    text = asked_page(f"{CARD}&use_case=embedding")
    question = {"hardware": {"text": "RTX 4090, 64 GB RAM"}, "workload": {"use_case": "embedding"}, "limit": 1}
    span = recommend(question)["results"][0]["speed"]["prefill_tokens_per_second"]
    assert f'>{speed(span["low"])}–{speed(span["high"])}</span>\n<span class="label">tokens/s read at 512<' in text
    assert "tokens/s read" not in asked_page(CARD)


def test_prices_are_part_of_the_link_and_of_the_page() -> None:
    link = "/?hw=RTX+4090,+64+GB+RAM&use_case=coding&price_per_kwh=0.3&purchase_price=2500&years=3&utilisation=0.25"
    text = Client(SERVER_NAME="localhost").get(link).content.decode()
    assert "US dollars for a million tokens generated" in text
    assert 'name="price_per_kwh" value="0.3"' in text
    assert "genai-prices" in text
    assert "million tokens generated" not in Client(SERVER_NAME="localhost").get("/?hw=RTX+4090").content.decode()
