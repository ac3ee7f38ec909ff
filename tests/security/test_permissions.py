"""Every address, every method, every kind of caller, with anonymous access on and off, against one table."""

from __future__ import annotations

import re

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.test import Client

from tests.security.conftest import LAUNCH_ID, routes
from tests.security.permissions import (
    API,
    BROWSER,
    CALLERS,
    DEAD,
    LINK,
    OFTEN,
    OPEN_API,
    OPEN_PAGES,
    PAGES,
    SESSIONS,
    SIGN_IN,
    TOKENS,
)

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
ADMIN = [route for route in routes() if route.startswith("admin/")]
BOTH = pytest.mark.parametrize("anonymous", [True, False], ids=["open", "closed"])


def test_every_address_has_a_row_in_the_table() -> None:
    known = {*API, *OPEN_API, *PAGES, *OPEN_PAGES, *ADMIN, LINK}
    missing, gone = set(routes()) - known, known - set(routes())
    assert not missing, f"Add to tests/security/permissions.py who may use {sorted(missing)}."
    assert not gone, f"Take out of tests/security/permissions.py: {sorted(gone)}."


def address(route: str, world: dict[str, str]) -> str:
    """The route with its parameter filled in by the thing that the world holds under the list's name."""
    name = re.findall(r"[a-z]+", route.removeprefix("api/v1/"))
    plain = route.replace("[^/.]", ".").replace("^", "").replace("$", "")
    return "/" + re.sub(r"\(\?P<\w+>[^/]*\)|<\w+:\w+>", world[name[0]] if "<" in route else "", plain)


def send(client: Client, method: str, url: str) -> str:
    """The status, or "sign-in" where it leads there. What was changed is rolled back."""
    body = {} if method in ("GET", "HEAD", "OPTIONS") else {"data": b"{}", "content_type": "application/json"}
    with transaction.atomic():
        answer = client.generic(method, url, **body)
        transaction.set_rollback(True)
    if answer.status_code == 302 and answer["Location"].startswith("/admin/login/"):
        return "sign-in"
    return str(answer.status_code)


def scopes_of(caller: str, anonymous: bool) -> set[str]:
    nobody = caller in ("anonymous", BROWSER)
    return TOKENS.get(caller) or SESSIONS.get(caller) or (OFTEN if anonymous and nobody else set())


def expected_api(route: str, method: str, caller: str, anonymous: bool) -> str:
    scope, status = API[route]["GET" if method == "HEAD" else method]
    if caller in DEAD or (caller in ("anonymous", BROWSER) and scope not in scopes_of(caller, anonymous)):
        return "401"
    foreign = scope == "agent" and caller == "agent token of another host"
    return "403" if foreign or scope not in scopes_of(caller, anonymous) else str(status)


@BOTH
@pytest.mark.parametrize("route", API)
def test_the_api_answers_as_the_table_says(
    callers: dict[str, Client], world: dict[str, str], settings: LazySettings, route: str, anonymous: bool
) -> None:
    settings.ANONYMOUS_ACCESS = anonymous
    url = address(route, world)
    there = [method for method in METHODS if method in API[route] or (method == "HEAD" and "GET" in API[route])]
    seen = {(m, c): send(callers[c], m, url) for m in METHODS for c in CALLERS}
    assert {key: answer for key, answer in seen.items() if key[0] in there} == {
        (m, c): expected_api(route, m, c, anonymous) for m in there for c in CALLERS
    }
    for (method, caller), answer in seen.items():
        if method not in there:
            assert answer in ("401", "403", "200" if method == "OPTIONS" else "405"), (method, caller)
    assert {seen[m, "staff session"] for m in METHODS if m not in (*there, "OPTIONS")} <= {"405"}


@pytest.mark.parametrize(("anonymous", "local_operator"), [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("route", PAGES)
def test_the_pages_answer_as_the_table_says(
    callers: dict[str, Client], settings: LazySettings, route: str, anonymous: bool, local_operator: bool
) -> None:
    settings.ANONYMOUS_ACCESS, settings.LOCAL_OPERATOR = anonymous, local_operator
    url = address(route, {"launches": LAUNCH_ID, "models": "one"})

    def expected(method: str, caller: str) -> str:
        if not anonymous and caller not in SESSIONS:
            return "sign-in"
        whom, status = PAGES[route].get("GET" if method == "HEAD" else method, ("", 405))
        if whom == "operator" and caller != "staff session" and not (caller == BROWSER and local_operator):
            return "403"
        return str(status)

    assert {(m, c): send(callers[c], m, url) for m in METHODS for c in CALLERS} == {
        (m, c): expected(m, c) for m in METHODS for c in CALLERS
    }


@BOTH
@pytest.mark.parametrize("route", OPEN_API + OPEN_PAGES)
def test_what_is_open_is_open_to_read_only(
    callers: dict[str, Client], settings: LazySettings, route: str, anonymous: bool
) -> None:
    settings.ANONYMOUS_ACCESS = anonymous
    for caller in CALLERS:
        refused = caller in DEAD and route in OPEN_API
        assert send(callers[caller], "GET", f"/{route}") == ("401" if refused else "200"), caller
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert send(callers[caller], method, f"/{route}") == ("401" if refused else "405"), caller


@BOTH
def test_the_operator_link_is_nothing_without_its_key(
    callers: dict[str, Client], settings: LazySettings, anonymous: bool
) -> None:
    settings.ANONYMOUS_ACCESS = anonymous
    for caller in CALLERS:
        assert send(callers[caller], "GET", f"/{LINK}") == "403", caller
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert send(callers[caller], method, f"/{LINK}") == "405", caller


@BOTH
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_admin_is_for_staff(
    callers: dict[str, Client], settings: LazySettings, method: str, anonymous: bool
) -> None:
    settings.ANONYMOUS_ACCESS = anonymous
    for route in ADMIN:
        url = "/" + re.sub(r"<[^>]+>|\(\[\^/\]\+\)", "1", route).replace("^", "").replace("$", "")
        url = url.replace("(?P<app_label>auth|catalog|hardware|advisor)", "catalog").replace("(?P<url>.*)", "nothing")
        for caller in set(CALLERS) - {"staff session"}:
            answer = send(callers[caller], method, url)
            if route == SIGN_IN:
                assert answer == "200", (caller, url)
            else:
                assert answer in ("sign-in", "302", "403", "404"), (caller, url, answer)
                assert answer != "302" or url in ("/admin/logout/", "/admin/1/"), (caller, url)
    assert send(callers["staff session"], "GET", "/admin/") == "200"
