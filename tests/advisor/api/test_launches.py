"""How a launch reads over HTTP, and in what form it is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from advisor.api import tokens
from advisor.models import Launch
from hardware.models import Host, Snapshot
from hardware.snapshots import refresh

pytestmark = pytest.mark.django_db
JSON = "application/json"
MODEL = "smollm2-135m-instruct"


@pytest.fixture
def client() -> Client:
    token = tokens.create_token(name="x", scopes=["read", "launch"])
    return Client(SERVER_NAME="localhost", headers={"authorization": f"Bearer {token}"})


def launched(status: str, **more: object) -> Launch:
    host, _ = Host.objects.get_or_create(id="far", defaults={"name": "far", "queue": "host.far"})
    row = {"model": MODEL, "build": f"{MODEL}:Q4_1", "engine": "llama.cpp", "alias": MODEL, "settings": {}}
    return Launch.objects.create(host=host, status=status, **(row | more))


@pytest.mark.parametrize("status", Launch.Status.values)
def test_a_launch_says_its_state_in_a_sentence_and_its_step_in_bytes(client: Client, status: str) -> None:
    document = client.get(f"/api/v1/launches/{launched(status).pk}/").json()
    assert document["message"].endswith(".")
    if status in ("queued", "downloading", "starting", "stopping"):
        fetched = {"bytes_per_second", "seconds_left", "file"} if status == "downloading" else set()
        assert set(document["progress"]) == {"step", "done_bytes", "total_bytes"} | fetched
    else:
        assert document["progress"] is None


def test_what_was_written_down_goes_before_the_sentence_of_the_state(client: Client) -> None:
    launch = launched("failed", reason="oom_gpu", message="The GPU ran out of memory.")
    assert client.get(f"/api/v1/launches/{launch.pk}/").json()["message"] == "The GPU ran out of memory."


@pytest.mark.parametrize("part", ["log/", "manifest/", "manifest/?kind=compose"])
@pytest.mark.parametrize("accept", ["text/plain", "text/html", "*/*", "application/json"])
def test_plain_text_is_given_to_whoever_asks(client: Client, part: str, accept: str) -> None:
    path = f"/api/v1/launches/{launched('queued').pk}/{part}"
    answer = client.get(path, headers={"accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    missing = client.get(path.replace(path.split("/")[4], "00000000-0000-4000-8000-000000000000"))
    assert (missing.status_code, missing["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("wish", "build"),
    [
        ({"model": MODEL}, None),
        ({"build": f"{MODEL}:Q4_1", "engine": "llama.cpp", "settings": {"context": 2048}}, f"{MODEL}:Q4_1"),
    ],
)
def test_an_old_reading_is_409_with_its_verdict(client: Client, wish: dict[str, object], build: str | None) -> None:
    refresh()
    Snapshot.objects.update(taken=timezone.now() - timedelta(hours=1))
    answer = client.post("/api/v1/launches/", wish, JSON)
    assert answer.status_code == 409
    problem = answer.json()
    figures = {"needed_bytes": None, "available_bytes": None, "fixes": []}
    assert problem["verdict"] == {"model": MODEL, "build": build, "reason": "stale_snapshot", **figures}
    assert "cannot be planned on" in problem["detail"]
    assert not Launch.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 121])
def test_a_key_that_cannot_be_kept_is_refused(client: Client, key: str) -> None:
    answer = client.post("/api/v1/launches/", {"model": "one"}, JSON, headers={"idempotency-key": key})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.usefixtures("seeded")
def test_a_key_with_another_body_is_422_and_names_the_header(client: Client) -> None:
    refresh()
    headers = {"idempotency-key": "k"}
    body = {"model": MODEL, "workload": {"context": 256}}
    first = client.post("/api/v1/launches/", body, JSON, headers=headers)
    assert first.status_code == 201, first.json()
    assert client.post("/api/v1/launches/", dict(reversed(body.items())), JSON, headers=headers).status_code == 200
    answer = client.post("/api/v1/launches/", {"model": "nonsense"}, JSON, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
