"""What every request has in common: its name in answer, log and problem, its rate by scope, its key."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from django.conf import LazySettings, settings
from django.contrib.auth.models import User
from django.test import Client

from advisor.api import tokens
from advisor.models import Launch
from config.embedded import free_port
from hardware.models import Host
from rest import logs, throttles
from tests.plugin.berth import ROOT

pytestmark = pytest.mark.django_db


def bearer(*scopes: str) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens.create_token(name='x', scopes=list(scopes))}"}


# ---------------------------------------------------------------- names


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/models/", "/api/v1/nothing/", "/nothing/"])
def test_every_answer_names_its_request(client: Client, path: str) -> None:
    made = client.get(path)["X-Request-ID"]
    assert logs.USABLE.fullmatch(made)
    assert client.get(path)["X-Request-ID"] != made
    assert client.get(path, headers={"x-request-id": "cloud-init.42"})["X-Request-ID"] == "cloud-init.42"


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a\tb", "<script>", "é"])
def test_a_name_that_a_log_should_not_hold_is_replaced(client: Client, name: str) -> None:
    answer = client.get("/healthz", headers={"x-request-id": name})
    assert answer["X-Request-ID"] != name
    assert logs.USABLE.fullmatch(answer["X-Request-ID"])


@pytest.mark.parametrize(("path", "status"), [("/api/v1/models/?x=1", 400), ("/api/v1/models/x/", 404)])
def test_a_problem_names_its_request(client: Client, path: str, status: int) -> None:
    answer = client.get(path, headers={"x-request-id": "mine"})
    assert (answer.status_code, answer.json()["request_id"]) == (status, "mine")


def test_a_line_in_json_says_which_request_and_which_launch(client: Client) -> None:
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    kept = Kept()
    kept.addFilter(logs.Ids())
    kept.setFormatter(logs.JsonLines())
    log = logging.getLogger("django.request")
    log.addHandler(kept)
    try:
        client.get("/api/v1/models/?x=1", headers={"x-request-id": "mine"})
        with logs.about("7"):
            log.warning("two\nlines")
    finally:
        log.removeHandler(kept)
    asked, launched = (json.loads(line) for line in lines)
    assert (asked["request_id"], asked["level"], asked["logger"]) == ("mine", "WARNING", "django.request")
    assert asked["message"] == "Bad Request: /api/v1/models/"
    assert (launched["launch_id"], launched["message"]) == ("7", "two\nlines")
    assert "request_id" not in launched


def test_an_access_line_says_what_was_asked_and_how_it_went(
    client: Client, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/healthz")
    assert not caplog.records
    settings.ACCESS_LOG = True
    with caplog.at_level(logging.INFO, "berth.access"):
        client.get("/healthz?token=secret")
    (line,) = caplog.messages
    assert line.startswith("GET /healthz 200 in ")


# ---------------------------------------------------------------- rates


@pytest.fixture
def few(settings: LazySettings) -> Iterator[None]:
    """Three reads and two questions a minute, with enough of this minute left."""
    if time.time() % throttles.WINDOW > throttles.WINDOW - 2:
        time.sleep(throttles.WINDOW - time.time() % throttles.WINDOW)
    settings.RATE_LIMITS = {"read": 3, "catalog": 1}
    throttles.counts.cache_clear()
    broker = throttles.counts().broker
    broker.flushdb()
    yield
    broker.flushdb()
    throttles.counts.cache_clear()


def statuses(client: Client, times: int, headers: dict[str, str] | None = None, path: str = "licences/") -> list[int]:
    return [client.get(f"/api/v1/{path}", headers=headers or {}).status_code for _ in range(times)]


@pytest.mark.usefixtures("few")
def test_each_caller_has_its_own_rate_by_scope(client: Client) -> None:
    assert statuses(client, 5) == [200, 200, 200, 429, 429]
    one, other = bearer("read", "catalog"), bearer("read")
    assert statuses(client, 4, one) == [200, 200, 200, 429]
    assert statuses(client, 4, other, "benchmarks/") == [200, 200, 200, 429]
    writes = [client.post("/api/v1/licences/", {}, "application/json", headers=one).status_code for _ in range(2)]
    assert writes == [400, 429]
    recommend = bearer("recommend")
    assert [client.post("/api/v1/estimates/", {}, headers=recommend).status_code for _ in range(9)] == [415] * 9


@pytest.mark.usefixtures("few")
def test_too_many_requests_are_a_problem_that_says_how_long_to_wait(client: Client) -> None:
    statuses(client, 3)
    answer = client.get("/api/v1/licences/")
    assert answer.status_code == answer.json()["status"] == 429
    assert answer["Content-Type"] == "application/problem+json"
    assert 0 < int(answer["Retry-After"]) <= throttles.WINDOW
    assert answer["Retry-After"] in answer.json()["detail"]


@pytest.mark.usefixtures("few")
def test_pages_that_answer_count_with_the_questions_of_the_api(client: Client, settings: LazySettings) -> None:
    settings.RATE_LIMITS = {"recommend": 2}
    pages = ["/compare/", "/requirements/", "/claims/", "/?hw=Foo+9000", "/models/none/"]
    assert [client.get(page).status_code for page in pages] == [200, 200, 429, 429, 429]
    assert client.post("/api/v1/estimates/", {}, "application/json").status_code == 429
    answer = client.get("/", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/"
    assert 0 < int(answer["Retry-After"]) <= throttles.WINDOW
    assert f"ask again in {answer['Retry-After']} s" in answer.content.decode()
    assert [client.get(page).status_code for page in ("/about/", "/healthz")] == [200, 200]


@pytest.mark.usefixtures("few")
def test_a_password_cannot_be_tried_for_ever(client: Client, settings: LazySettings) -> None:
    settings.RATE_LIMITS = {"sign-in": 2}
    User.objects.create_superuser("root", password="right")

    def attempt(name: str, password: str = "wrong") -> int:
        return client.post("/admin/login/", {"username": name, "password": password}).status_code

    assert [attempt(name) for name in ("root", "Root ", "root")] == [200, 200, 429]
    assert attempt("root", "right") == 429
    assert attempt("another") == 200
    assert client.get("/admin/login/").status_code == 200


def test_processes_count_together() -> None:
    """Two processes count to 60 each: every number from 1 to 120 comes once."""
    script = "from rest.throttles import Counts; import os; c = Counts(os.environ['REDIS_URL']); "
    script += "print([c.next('t') for _ in range(60)])"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    running = [
        subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    seen = [number for process in running for number in json.loads(process.communicate(timeout=60)[0])]
    throttles.counts().broker.delete("t")
    assert sorted(seen) == list(range(1, 121))


def test_a_count_is_forgotten_after_its_minute() -> None:
    throttles.counts().next("u")
    assert 0 < throttles.counts().broker.ttl("u") <= 2 * throttles.WINDOW


@pytest.mark.usefixtures("few")
def test_a_broker_that_is_down_holds_up_no_request_and_lifts_no_limit(client: Client, settings: LazySettings) -> None:
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    throttles.counts.cache_clear()
    begun = time.monotonic()
    assert statuses(client, 5) == [200, 200, 200, 429, 429]
    assert time.monotonic() - begun < 2


def test_nobody_is_limited_on_loopback_unless_said() -> None:
    assert settings.RATE_LIMITS == {}
    asked = [sys.executable, "-c", "from config import settings; print(settings.RATE_LIMITS)"]
    away = os.environ | {"BERTH_BIND": "0.0.0.0", "RATE_LIMITS": "read=0, launch=5"}
    said = subprocess.check_output(asked, cwd=ROOT, env=away, text=True)
    assert said.strip() == "{'read': 0, 'recommend': 3000, 'agent': 600, 'launch': 5, 'catalog': 600, 'sign-in': 10}"


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("key", ["", "x" * 121])
def test_a_key_that_cannot_be_kept_is_refused(client: Client, key: str) -> None:
    answer = client.post(
        "/api/v1/launches/", {"model": "one"}, "application/json", headers=bearer("launch") | {"idempotency-key": key}
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


# ---------------------------------------------------------------- the list of launches


@pytest.fixture
def launched() -> None:
    host = Host.objects.create(id="here", name="here", queue="q")
    for number, model in enumerate(["qwen3-8b", "qwen3-14b", "phi-4"]):
        Launch.objects.create(
            host=host, model=model, build=f"{model}:Q4_K_M", engine="llama.cpp", alias=model, settings={},
            status=Launch.Status.values[number + 4], predicted={"total_bytes": 1, "devices": {}, "host": {}},
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
