"""A question about coding on one card, as a body and asked over REST."""

from __future__ import annotations

from typing import Any

from django.test import Client

from advisor.fit.units import GIB

URL = "/api/v1/recommendations/"
CARD = {"accelerators": [{"name": "RTX 4090"}], "ram_bytes": 64 * GIB, "cpu_cores": 16}
QUESTION = {"hardware": CARD, "workload": {"use_case": "coding", "context": 32768}}
MACHINE = {"text": "RTX 4090, 64 GB RAM"}


def asked(status: int = 200, **body: Any) -> Any:
    question = {"hardware": MACHINE, "workload": {"use_case": "coding"}, "limit": 5, "rejected_limit": 0} | body
    answer = Client(SERVER_NAME="localhost").post(URL, question, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()
