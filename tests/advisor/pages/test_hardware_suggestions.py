from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote_plus

import pytest
from django.test import Client

from tests.advisor.pages.conftest import page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


@pytest.mark.parametrize("hw", ["RTX 3060, 32 GB RAM", "2x rtx 3080 , 128GB RAM", "M3 Max", "A100, 64 GB RAM"])
def test_a_name_of_several_cards_offers_each_as_a_link_that_answers(client: Client, hw: str) -> None:
    text = client.get("/", {"hw": hw, "use_case": "coding"}).content.decode()
    links = re.findall(r'<li><a href="(/\?hw=[^"]+)">', text)
    assert len(links) >= 2
    for link in links:
        assert "use_case=coding" in link
        assert unquote_plus(link).partition("&")[0].endswith(hw.partition(",")[2])  # what else the machine has stays
        assert '<li class="result"' in page(client, unescape(link))
