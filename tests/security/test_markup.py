"""What was typed and what the rows hold is text on every page; no page has a script of its own; forms need a token."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client

from config.middleware import POLICY
from tests.security.conftest import LAUNCH_ID
from tests.security.markup import Page
from tests.security.payloads import MARK, PAYLOADS
from tests.security.permissions import API, PAGES
from tests.security.spoilt import spoil_everything
from tests.security.test_permissions import address
from tests.support.operator_browser import open_link

pytestmark = pytest.mark.django_db
# Page and, at least, how many texts of it are a payload's.
SHOWN = {
    "/": 5,
    "/?hw=RTX+4090,+64+GB+RAM": 5,
    "/models/one/": 100,
    "/hardware/": 8,
    "/launches/": 2,
    f"/launches/{LAUNCH_ID}/": 5,
    "/requirements/?model=one": 1,
    "/compare/?a=RTX+4090&b=RTX+3090": 3,
    "/claims/": 0,
}


@pytest.fixture
def client() -> Client:
    return open_link(Client(SERVER_NAME="localhost"))


@pytest.mark.parametrize("path", SHOWN)
def test_what_lies_in_the_rows_is_text(client: Client, world: dict[str, str], path: str) -> None:
    spoil_everything()
    answer = client.get(path)
    assert answer.status_code == 200
    page = Page(answer.content.decode())
    assert page.wrong == []
    assert page.marked >= SHOWN[path]


TYPED = {
    "/": ("hw", "gpu", "use_case", "languages", "context", "x"),
    "/requirements/": ("model", "prefer"),
    "/compare/": ("a", "b", "licence"),
}


@pytest.mark.parametrize("path", TYPED)
def test_what_was_typed_is_text(client: Client, world: dict[str, str], path: str) -> None:
    for number, word in enumerate(PAYLOADS["markup"]):
        key = TYPED[path][number % len(TYPED[path])]
        page = Page(client.get(f"{path}?{urlencode({key: word})}").content.decode())
        assert page.wrong == [], (key, word)


@pytest.mark.parametrize(
    "path",
    [
        "/admin/",
        "/admin/catalog/model/",
        "/admin/catalog/licence/mit/change/",
        "/admin/advisor/launch/",
        "/admin/hardware/host/local/change/",
    ],
)
def test_the_admin_shows_it_as_text_too(world: dict[str, str], path: str) -> None:
    spoil_everything()
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("admin"))
    answer = client.get(path)
    assert answer.status_code == 200
    assert Page(answer.content.decode()).wrong == []
    assert answer["Content-Security-Policy"] == POLICY


def test_every_page_comes_with_a_policy_that_runs_no_script_of_its_own(client: Client, world: dict[str, str]) -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules["default-src"] == "'self'"
    assert rules.keys() & {"script-src", "script-src-elem", "script-src-attr", "style-src"} == set()
    assert "unsafe" not in POLICY
    for path in SHOWN:
        assert client.get(path)["Content-Security-Policy"] == POLICY
    answer = client.get("/api/docs/")
    assert answer["Content-Security-Policy"] == f"{POLICY}; style-src 'self' 'unsafe-inline'"
    assert re.findall(r"<script(?![^>]*src=)", answer.content.decode()) == []


@pytest.mark.parametrize(("field", "repeated"), [("build", 12), ("engine", 0), ("settings", 0)])
def test_what_a_refused_launch_says_is_text(client: Client, world: dict[str, str], field: str, repeated: int) -> None:
    right = {"build": "one:Q4_0", "engine": "llama.cpp", "settings": '{"context": 4096}'}
    spoken = 0
    for word in PAYLOADS["markup"][:12]:
        value = json.dumps({word: word}) if field == "settings" else word
        client.post("/launches/", right | {field: value})
        page = Page(client.get("/").content.decode())
        assert page.wrong == [], word
        spoken += page.marked
    assert spoken >= repeated


def test_answers_that_are_no_pages_are_not_read_as_pages(client: Client, world: dict[str, str]) -> None:
    spoil_everything()
    for path in (
        f"/api/v1/launches/{LAUNCH_ID}/log/",
        f"/api/v1/launches/{LAUNCH_ID}/manifest/",
        "/api/v1/models/one/",
    ):
        answer = client.get(path)
        assert MARK in answer.content.decode()
        assert answer["Content-Type"].split(";")[0] in (
            "text/plain",
            "application/json",
            "application/problem+json",  # the manifest of an engine that is not known
        )
        assert answer["X-Content-Type-Options"] == "nosniff"


# ---------------------------------------------------------------- forms of another site

UNSAFE = [
    *((route, method) for route, methods in PAGES.items() for method in methods if method not in ("GET", "HEAD")),
    *((route, method) for route, methods in API.items() for method in methods if method not in ("GET", "HEAD")),
    ("admin/login/", "POST"),
    ("admin/logout/", "POST"),
    ("admin/catalog/licence/add/", "POST"),
]


@pytest.fixture
def staff(world: dict[str, str]) -> Client:
    client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("admin"))
    return client


@pytest.mark.parametrize(("route", "method"), UNSAFE, ids=lambda part: part)
def test_a_change_that_another_site_sends_in_somebodys_name_is_refused(
    staff: Client, world: dict[str, str], route: str, method: str
) -> None:
    url = address(route, world)
    refused = staff.generic(method, url, "{}", "application/json")
    assert refused.status_code == 403
    staff.get("/")
    token = staff.cookies["csrftoken"].value
    right = {"headers": {"x-csrftoken": token, "origin": "http://localhost"}}
    assert staff.generic(method, url, "{}", "application/json", **right).status_code != 403
    elsewhere = {"headers": {"x-csrftoken": token, "origin": "http://evil.example"}}
    assert staff.generic(method, url, "{}", "application/json", **elsewhere).status_code == 403


def test_cookies_stay_at_home(staff: Client) -> None:
    admin = User.objects.get()
    admin.set_password("right")
    admin.save()
    client = Client(SERVER_NAME="localhost")
    assert client.post("/admin/login/?next=/", {"username": "admin", "password": "right"}).status_code == 302
    for name in ("csrftoken", "sessionid"):
        assert client.cookies[name]["samesite"] == "Lax"
    assert client.cookies["sessionid"]["httponly"]
