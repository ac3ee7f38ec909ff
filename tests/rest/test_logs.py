"""A name for every request, in answer, log and problem."""

from __future__ import annotations

import json
import logging

import pytest
from django.conf import LazySettings
from django.test import Client

from rest import logs

pytestmark = pytest.mark.django_db


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
