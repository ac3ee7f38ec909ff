"""Errors that no view of ours raises: a page for people, a problem for programs."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from tests.support.problems import HERE, problem

pytestmark = pytest.mark.django_db


def test_an_error_of_ours_is_a_page_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(**HERE)
    client.raise_request_exception = False
    monkeypatch.setattr("advisor.pages.hosts.documents", lambda: 1 / 0)
    answer = client.get("/hardware/")
    assert answer.status_code == 500
    assert answer["Content-Type"].startswith("text/html")
    assert "Something went wrong on our side" in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


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
