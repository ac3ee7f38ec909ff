"""Requests a minute by scope, for each caller, counted over all processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from advisor.api import tokens
from config.embedded import free_port
from rest import throttles
from tests.plugin.berth import ROOT

pytestmark = pytest.mark.django_db


def bearer(*scopes: str) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens.create_token(name='x', scopes=list(scopes))}"}


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

    # Spellings of one name: wide letters, a ligature of none, a letter in a circle.
    assert [attempt(name) for name in ("root", "Root ", "\uff52oot", "r\u24deot")] == [200, 200, 429, 429]
    assert attempt("root", "right") == 429
    assert client.get("/admin/login/").status_code == 200
    assert [attempt(f"another{number}") for number in range(5)] == [200] * 4 + [429]  # six in all names


@pytest.mark.usefixtures("few")
def test_attempts_of_others_do_not_lock_the_owner_out_of_a_browser_that_is_known(settings: LazySettings) -> None:
    settings.RATE_LIMITS = {"sign-in": 3}
    User.objects.create_superuser("root", password="right")
    owner, other = Client(), Client()

    def attempt(client: Client, password: str, name: str = "root") -> int:
        return client.post("/admin/login/?next=/admin/", {"username": name, "password": password}).status_code

    assert attempt(owner, "right") == 302
    assert [attempt(other, "wrong") for _ in range(3)] == [200, 200, 429]
    owner.cookies.pop("sessionid")
    assert attempt(owner, "right") == 302
    owner.cookies.pop("sessionid")
    assert attempt(owner, "wrong", "admin") == 200  # the cookie is for that name only
    assert [attempt(owner, "wrong") for _ in range(4)] == [200] * 3 + [429]  # and buys no endless attempts


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
