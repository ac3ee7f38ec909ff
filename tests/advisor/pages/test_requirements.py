"""The page of the reverse question."""

from __future__ import annotations

import pytest
from django.test import Client

from advisor.fit.engines.llama_cpp.memory import COMPUTED_FOR

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_the_page_answers_by_name_and_keeps_what_was_typed() -> None:
    client = Client(SERVER_NAME="localhost")
    text = client.get("/requirements/?model=Qwen3-32B&context=32768").content.decode()
    assert "What does Qwen3-32B need?" in text
    assert "NVIDIA GeForce RTX 5090" in text
    assert f"summed as {COMPUTED_FOR} allocates" in text
    wrong = client.get("/requirements/?model=Foo+1&context=32768")
    assert wrong.status_code == 400
    assert "is not a model of this catalog" in wrong.content.decode()
    assert 'value="Foo 1"' in wrong.content.decode()
    assert client.get("/requirements/").status_code == 200
