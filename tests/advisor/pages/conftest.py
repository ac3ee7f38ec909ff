"""Whoever looks at a page, this machine as it is read, and launches to look at."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from advisor.models import Launch
from hardware.models import Host
from hardware.snapshots import refresh
from tests.support.operator_browser import open_link


@pytest.fixture
def client() -> Client:
    """A browser that has opened the operator link."""
    return open_link(Client(SERVER_NAME="localhost"))


@pytest.fixture
def local() -> Host:
    refresh()
    return Host.objects.get()


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def launched(host: Host, status: str, **more: Any) -> Launch:
    predicted = {
        "total_bytes": 5 << 30,
        "devices": {},
        "host": {},
        "decode_tokens_per_second": {"low": 1, "mid": 2, "high": 3},
    }
    return Launch.objects.create(
        host=host, status=status, model="m", build="m:Q4_0", engine="llama.cpp", alias="m", settings={},
        **{"predicted": predicted, **more},
    )  # fmt: skip
