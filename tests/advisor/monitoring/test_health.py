from __future__ import annotations

import pytest
from django.test import Client

from tests.support.problems import HERE, problem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["healthz", "readyz"])
@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_health_is_read_only_and_says_so_to_programs(path: str, method: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True, **HERE), method)(f"/{path}")
    problem(answer, 405)
    assert answer["Allow"] == "GET, HEAD"
