from __future__ import annotations

from html import unescape

import pytest
from django.test import Client

from tests.advisor.pages.conftest import page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_what_is_wrong_is_said_in_the_words_of_the_form(client: Client) -> None:
    text = unescape(page(client, "/?hw=Foo+9000", 422))
    assert "Hardware: 'Foo 9000' is not a GPU that Berth knows: state its memory and its memory bandwidth" in text
    assert "memory_bytes" not in text
    text = unescape(page(client, "/?languages=German&context=abc&concurrency=0", 400))
    for said in ("Languages: 'German' is not", "Context per request: A valid", "Requests at once: Ensure"):
        assert said in text
    assert "workload" not in text


@pytest.mark.parametrize(
    ("query", "is_open"),
    [("", False), ("prefer=balanced&concurrency=1", False), ("prefer=speed", True), ("tool_use=true", True)],
)
def test_filters_that_are_set_are_shown_on_a_narrow_page_too(client: Client, query: str, is_open: bool) -> None:
    assert ('<details class="filters" open>' in page(client, f"/?hw=RTX+4090,+64+GB+RAM&{query}")) == is_open
