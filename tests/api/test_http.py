"""What HTTP itself asks of every address: errors in one form whoever finds them, tags through gzip, slashes."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.db import InterfaceError, OperationalError
from django.test import Client

from advisor.api import tokens
from catalog import version
from catalog.models import Licence

pytestmark = pytest.mark.django_db
HERE = {"SERVER_NAME": "localhost"}


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert {"type", "title", "status", "detail", "errors", "request_id"} <= document.keys()
    assert document["request_id"] == answer["X-Request-ID"]
    return document


# ---------------------------------------------------------------- errors that no view of ours raises


def test_a_body_beyond_the_limit_is_a_problem(settings: LazySettings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = Client(**HERE).post("/api/v1/recommendations/", b" " * 1001, content_type="application/json")
    assert "1,000 bytes" in problem(answer, 413)["detail"]


def test_a_name_that_is_not_ours_is_a_problem_in_the_api_and_a_page_elsewhere() -> None:
    elsewhere = Client(SERVER_NAME="evil.example")
    problem(elsewhere.get("/api/v1/models/"), 400)
    answer = elsewhere.get("/")
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert b"cannot be answered" in answer.content
    assert b"evil.example" not in answer.content


def test_a_form_of_another_site_is_answered_in_our_own_words() -> None:
    answer = Client(enforce_csrf_checks=True, **HERE).post("/launches/", {"build": "x"})
    assert answer.status_code == 403
    assert b"load the page again" in answer.content
    assert b"<style" not in answer.content


@pytest.mark.parametrize("path", ["healthz", "readyz"])
@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_health_is_read_only_and_says_so_to_programs(path: str, method: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True, **HERE), method)(f"/{path}")
    problem(answer, 405)
    assert answer["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("method", "query", "accept", "status"),
    [("post", "", "*/*", 405), ("get", "?format=json", "*/*", 400), ("get", "", "text/html", 406)],
)
def test_the_schema_refuses_as_json_what_it_would_not_be_asked(
    method: str, query: str, accept: str, status: int
) -> None:
    answer = getattr(Client(**HERE), method)(f"/api/v1/schema/{query}", headers={"accept": accept})
    problem(answer, status)


@pytest.mark.parametrize("error", [OperationalError("database is locked"), InterfaceError("connection closed")])
@pytest.mark.parametrize("path", ["/api/v1/recommendations/?hw=RTX+4090", "/?hw=RTX+4090"])
def test_a_database_that_is_locked_or_away_is_503_and_says_when_to_come_back(
    monkeypatch: pytest.MonkeyPatch, path: str, error: Exception
) -> None:
    def away() -> None:
        raise error

    monkeypatch.setattr(version, "current", away)
    answer = Client(**HERE).get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "does not answer at the moment" in answer.content.decode()
    if path.startswith("/api/"):
        problem(answer, 503)
    monkeypatch.undo()
    assert Client(**HERE).get(path).status_code == 200


NO_JSON = {
    "half a character": '{"hardware": {"text": "\\ud800"}}',
    "half a character in a name": '{"\\ud800": 1}',
    "no number": '{"limit": NaN}',
    "endless": '{"limit": 1e999}',
    "very deep": "[" * 100_000 + "]" * 100_000,
    "deep": '{"workload":' * 40 + "1" + "}" * 40,
    "other encoding": '{"hardware": {"text": "é"}}'.encode("latin-1"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "two values": "{} {}",
}


@pytest.mark.parametrize("name", NO_JSON)
def test_what_is_no_json_is_a_problem(name: str) -> None:
    answer = Client(**HERE).post("/api/v1/recommendations/", NO_JSON[name], content_type="application/json")
    assert problem(answer, 400)["detail"].startswith("The body is ")


# ---------------------------------------------------------------- slashes


@pytest.mark.parametrize("path", ["/api/v1/recommendations", "/compare"])
def test_a_missing_slash_is_added_and_the_request_stays_the_same(path: str) -> None:
    """A 301 would make a GET of a POST, which then is answered for another machine."""
    answer = Client(**HERE).post(f"{path}?a=1", {}, content_type="application/json")
    assert (answer.status_code, answer["Location"]) == (308, f"{path}/?a=1")


def test_a_question_keeps_its_body_on_the_way() -> None:
    body = {"hardware": {"text": "Foo 9000"}}
    answer = Client(**HERE).post("/api/v1/recommendations", body, content_type="application/json", follow=True)
    assert "Foo 9000" in problem(answer, 422)["detail"]


# ---------------------------------------------------------------- tags


@pytest.fixture
def writer() -> Client:
    Licence.objects.create(id="own", name="Own", commercial="no", conditions="Some words of it. " * 30)
    token = tokens.create_token(name="x", scopes=["read", "catalog"])
    return Client(headers={"authorization": f"Bearer {token}"}, **HERE)


OWN = "/api/v1/licences/own/"
JSON = "application/json"


def test_a_tag_works_through_gzip(writer: Client) -> None:
    """What packs an answer weakens its tag; the client sends back what it got."""
    packed = {"accept-encoding": "gzip"}
    first = writer.get(OWN, headers=packed)
    assert (first["Content-Encoding"], first["ETag"][:3]) == ("gzip", 'W/"')
    assert writer.get(OWN, headers=packed | {"if-none-match": first["ETag"]}).status_code == 304
    changed = writer.patch(OWN, {"name": "New"}, JSON, headers=packed | {"if-match": first["ETag"]})
    assert changed.status_code == 200
    assert writer.patch(OWN, {"name": "Newer"}, JSON, headers=packed | {"if-match": first["ETag"]}).status_code == 412
    assert writer.patch(OWN, {"name": "Newer"}, JSON, headers=packed | {"if-match": changed["ETag"]}).status_code == 200


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("tag", ["", "nope", "'x'", '"unclosed', '"another"', 'W/"another"'])
def test_a_condition_that_names_no_tag_of_the_row_changes_nothing(writer: Client, method: str, tag: str) -> None:
    body = {"id": "own", "name": "New", "commercial": "no"}
    problem(getattr(writer, method)(OWN, body, JSON, headers={"if-match": tag}), 412)
    assert Licence.objects.get(pk="own").name == "Own"


def test_whatever_there_is_is_known_to_who_says_so(writer: Client) -> None:
    assert writer.get(OWN, headers={"if-none-match": "*"}).status_code == 304
    assert writer.get(OWN, headers={"if-none-match": "nope"}).status_code == 200
