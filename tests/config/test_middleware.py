from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from catalog import version
from tests.support.problems import HERE, problem

pytestmark = pytest.mark.django_db


def test_pages_are_served_with_a_policy_without_inline_script_and_without_framing() -> None:
    answer = Client().get("/healthz")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


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


@pytest.mark.parametrize("path", ["/api/v1/recommendations", "/compare"])
def test_a_missing_slash_is_added_and_the_request_stays_the_same(path: str) -> None:
    """A 301 would make a GET of a POST, which then is answered for another machine."""
    answer = Client(**HERE).post(f"{path}?a=1", {}, content_type="application/json")
    assert (answer.status_code, answer["Location"]) == (308, f"{path}/?a=1")


def test_a_question_keeps_its_body_on_the_way() -> None:
    body = {"hardware": {"text": "Foo 9000"}}
    answer = Client(**HERE).post("/api/v1/recommendations", body, content_type="application/json", follow=True)
    assert "Foo 9000" in problem(answer, 422)["detail"]
