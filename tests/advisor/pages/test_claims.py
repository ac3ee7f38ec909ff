"""The page of the article's claims."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_the_claims_page_shows_claim_sum_and_hardware() -> None:
    text = Client(SERVER_NAME="localhost").get("/claims/").content.decode()
    for said in ("~80 GB", "75 GB", "~96 GB", "130 GB", "120 GB+", "713 GB", "5.9 times what is claimed", "H200"):
        assert said in text
