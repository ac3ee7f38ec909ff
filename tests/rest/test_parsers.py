"""What is no JSON of ours."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.support.problems import HERE, problem

pytestmark = pytest.mark.django_db
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
