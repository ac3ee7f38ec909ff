"""A question about coding on one card, asked over REST."""

from __future__ import annotations

from typing import Any

from django.test import Client

URL = "/api/v1/recommendations/"
CARD = {"text": "RTX 4090, 64 GB RAM"}


def asked(status: int = 200, **body: Any) -> Any:
    question = {"hardware": CARD, "workload": {"use_case": "coding"}, "limit": 5, "rejected_limit": 0} | body
    answer = Client(SERVER_NAME="localhost").post(URL, question, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()
