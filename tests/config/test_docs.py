from __future__ import annotations

import pytest
from django.test import Client

from tests.support.problems import HERE, problem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("method", "query", "accept", "status"),
    [("post", "", "*/*", 405), ("get", "?format=json", "*/*", 400), ("get", "", "text/html", 406)],
)
def test_the_schema_refuses_as_json_what_it_would_not_be_asked(
    method: str, query: str, accept: str, status: int
) -> None:
    answer = getattr(Client(**HERE), method)(f"/api/v1/schema/{query}", headers={"accept": accept})
    problem(answer, status)
