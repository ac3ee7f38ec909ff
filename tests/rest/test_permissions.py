from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import AnonymousUser, User

from rest.permissions import HasScope, scope_of

VIEW: Any = SimpleNamespace(read_scope="read", write_scope="launch")
QUESTION: Any = SimpleNamespace(read_scope="recommend", write_scope="recommend")
NOBODY, SOMEBODY, STAFF = AnonymousUser(), User(username="somebody"), User(username="staff", is_staff=True)


def request(method: str = "GET", user: Any = NOBODY, scopes: tuple[str, ...] | None = None) -> Any:
    auth = None if scopes is None else SimpleNamespace(scopes=scopes)
    return SimpleNamespace(method=method, user=user, auth=auth)


@pytest.mark.parametrize(
    ("method", "scope"),
    [
        ("GET", "read"),
        ("HEAD", "read"),
        ("OPTIONS", "read"),
        ("POST", "launch"),
        ("DELETE", "launch"),
        (None, "launch"),
    ],
)
def test_a_method_that_changes_something_needs_another_scope(method: str | None, scope: str) -> None:
    assert scope_of(VIEW, method) == scope


def test_a_view_that_names_no_scope_is_read() -> None:
    plain: Any = SimpleNamespace()
    assert scope_of(plain, "POST") == "read"


@pytest.mark.parametrize("door", ["open", "closed"])
@pytest.mark.parametrize(
    ("asked", "view", "allowed"),
    [
        (request(), VIEW, {"open": True, "closed": False}),
        (request(), QUESTION, {"open": True, "closed": False}),
        (request("POST"), VIEW, {"open": False, "closed": False}),
        (request("POST"), QUESTION, {"open": True, "closed": False}),
        (request(user=SOMEBODY), VIEW, {"open": True, "closed": True}),
        (request("POST", user=SOMEBODY), VIEW, {"open": False, "closed": False}),
        (request("POST", user=STAFF), VIEW, {"open": True, "closed": True}),
        (request(scopes=("launch",)), VIEW, {"open": False, "closed": False}),
        (request("POST", scopes=("launch",)), VIEW, {"open": True, "closed": True}),
        (request("POST", user=STAFF, scopes=("read",)), VIEW, {"open": False, "closed": False}),
    ],
    ids=[
        *("reads", "asks", "launches", "asks by POST", "somebody reads", "somebody launches", "staff launch"),
        *("a launch token reads", "a launch token launches", "a read token of staff launches"),
    ],
)
def test_who_may_do_what(settings: LazySettings, door: str, asked: Any, view: Any, allowed: dict[str, bool]) -> None:
    settings.ANONYMOUS_ACCESS = door == "open"
    assert HasScope().has_permission(asked, view) is allowed[door]
