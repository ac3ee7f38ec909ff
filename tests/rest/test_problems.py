from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions

from rest.problems import TITLES, Problem, flatten, handler

FULL = "The database has no room left on its disk; ask again in 5 s, when somebody has made some."


@pytest.mark.parametrize(
    ("detail", "fields"),
    [
        ({"name": ["No."]}, ["name"]),
        (
            {"workload": {"context": ["No."], "licence": ["No.", "Never."]}},
            ["workload.context"] + ["workload.licence"] * 2,
        ),
        ({"items": [{}, {"count": ["No."]}]}, ["items[1].count"]),
        ({"non_field_errors": ["No."]}, [""]),
        ({"workload": {"non_field_errors": ["No."]}}, ["workload"]),
        (["No.", "Never."], ["", ""]),
    ],
)
def test_an_error_of_any_depth_is_told_by_its_field(detail: Any, fields: list[str]) -> None:
    found = list(flatten(detail))
    assert [error["field"] for error in found] == fields
    assert {error["message"] for error in found} <= {"No.", "Never."}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (Http404(), 404, "Not found."),
        (PermissionDenied(), 403, "You do not have permission to perform this action."),
        (RequestDataTooBig(), 413, "A body may have 2,000,000 bytes."),
        (OperationalError("locked"), 503, "The database does not answer at the moment; ask again in 5 s."),
        (
            OperationalError("database or disk is full"),
            503,
            FULL,
        ),
        (InterfaceError("closed"), 503, "The database does not answer at the moment; ask again in 5 s."),
        (exceptions.ValidationError({"name": ["Say a name."]}), 400, "Say a name."),
        (exceptions.Throttled(wait=3.2), 429, "More requests than this minute allows; ask again in 4 s."),
        (Problem(409, "There is no room."), 409, "There is no room."),
    ],
)
def test_every_error_of_ours_becomes_one_document(error: Exception, status: int, detail: str) -> None:
    answer = handler(error, {})
    assert answer
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    told = json.loads(answer.content)
    assert (told["status"], told["title"], told["detail"]) == (status, TITLES[status], detail)


def test_what_a_problem_carries_is_in_its_document() -> None:
    errors = [{"field": "model", "message": "There is no such model."}]
    answer = handler(Problem(409, "No room.", errors, {"verdict": {"reason": "host_memory"}}), {})
    assert answer
    told = json.loads(answer.content)
    assert (told["errors"], told["verdict"]) == (errors, {"reason": "host_memory"})


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (exceptions.Throttled(wait=3.2), "Retry-After", "4"),
        (exceptions.Throttled(), "Retry-After", "1"),
        (OperationalError("locked"), "Retry-After", "5"),
    ],
    ids=["in a while", "at once", "a database that is locked"],
)
@pytest.mark.django_db
def test_who_may_come_back_is_told_when(error: Exception, header: str, value: str) -> None:
    answer = handler(error, {})
    assert answer
    assert answer[header] == value


def test_an_error_that_nobody_knows_is_left_to_django() -> None:
    assert handler(KeyError("x"), {}) is None
