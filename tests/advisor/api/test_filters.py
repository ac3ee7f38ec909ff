from __future__ import annotations

import pytest
from django.test import Client

from advisor.models import Launch
from hardware.models import Host

pytestmark = pytest.mark.django_db


@pytest.fixture
def launched() -> None:
    host = Host.objects.create(id="here", name="here", queue="q")
    for number, model in enumerate(["qwen3-8b", "qwen3-14b", "phi-4"]):
        Launch.objects.create(
            host=host, model=model, build=f"{model}:Q4_K_M", engine="llama.cpp", alias=model, settings={},
            status=("stopping", "stopped", "failed")[number], predicted={"total_bytes": 1, "devices": {}, "host": {}},
        )  # fmt: skip


@pytest.mark.usefixtures("launched")
@pytest.mark.parametrize(
    ("query", "models"),
    [
        ("", ["phi-4", "qwen3-14b", "qwen3-8b"]),
        ("ordering=model", ["phi-4", "qwen3-14b", "qwen3-8b"]),
        ("ordering=created", ["qwen3-8b", "qwen3-14b", "phi-4"]),
        ("search=qwen3", ["qwen3-14b", "qwen3-8b"]),
        ("model=phi-4&host=here&engine=llama.cpp", ["phi-4"]),
        ("status=stopped", ["qwen3-14b"]),
        ("host=there", []),
        ("limit=2", ["phi-4", "qwen3-14b"]),
    ],
)
def test_launches_are_found_and_ordered_as_every_list(client: Client, query: str, models: list[str]) -> None:
    assert [one["model"] for one in client.get(f"/api/v1/launches/?{query}").json()["results"]] == models


@pytest.mark.parametrize("query", ["status=gone", "ordering=pid", "engine=vllm2&nothing=1", "limit=501", "cursor=x"])
def test_what_the_list_of_launches_cannot_be_asked_is_refused(client: Client, query: str) -> None:
    assert client.get(f"/api/v1/launches/?{query}").status_code == 400
