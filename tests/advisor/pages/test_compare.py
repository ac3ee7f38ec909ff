"""The page of two machines."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
CARD, MAC, LAPTOP = "RTX 4090, 64 GB RAM", "M3 Max 64 GB", "RTX 4060 8 GB, 16 GB RAM"


def page(status: int = 200, **asked: Any) -> str:
    answer = Client(SERVER_NAME="localhost").get(f"/compare/?{urlencode(asked)}")
    assert answer.status_code == status
    return answer.content.decode()


def test_the_page_names_both_machines_and_says_which_is_faster() -> None:
    text = page(a=CARD, b=MAC, use_case="coding", context=32768)
    assert f"{CARD} beside {MAC}" in text
    assert re.search(r'<td class="keep row" data-label="Faster:">A, [\d.]+ times</td>', text)
    assert "style=" not in text


@pytest.mark.parametrize(
    ("asked", "status", "said", "kept"),
    [
        ({"a": CARD}, 400, "Describe this machine", f'value="{CARD}"'),
        ({"a": "Foo 9000", "b": MAC}, 422, "is not a GPU that Berth knows", 'value="Foo 9000"'),
        ({"a": CARD, "b": MAC, "context": "long"}, 400, "valid integer", f'value="{MAC}"'),
        ({"a": CARD, "b": MAC, "hw": MAC}, 400, "hw is not a query key here", f'value="{CARD}"'),
        ({"a": CARD, "b": MAC, "price_per_kwh": 1}, 400, "price_per_kwh is not a query key here", f'value="{MAC}"'),
    ],
)
def test_a_wrong_entry_is_one_sentence_and_nothing_is_lost(asked: Any, status: int, said: str, kept: str) -> None:
    text = page(status, **asked)
    assert said in text
    assert kept in text


def test_an_empty_page_asks_for_two_machines() -> None:
    assert "Describe two machines" in page()
