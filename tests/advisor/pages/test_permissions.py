from __future__ import annotations

from uuid import UUID

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from advisor.pages.permissions import COOKIE
from hardware.models import Host
from tests.advisor.pages.conftest import launched, page
from tests.support.operator_browser import open_link

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


# What arrives from outsiders behind a proxy on this machine that only passes on, and from what they send along.
PASSED_ON = {
    "nothing but the address of the proxy": {},
    "a forged address": {"HTTP_X_FORWARDED_FOR": "127.0.0.1", "HTTP_X_REAL_IP": "127.0.0.1"},
    "a forged host": {"HTTP_HOST": "localhost", "HTTP_X_FORWARDED_HOST": "localhost"},
    "forwarded": {"HTTP_FORWARDED": "for=127.0.0.1;host=localhost"},
    "a cookie of their own making": {"HTTP_COOKIE": f"{COOKIE}=operator"},
}


@pytest.mark.parametrize("sent", PASSED_ON.values(), ids=PASSED_ON)
def test_an_outsider_behind_a_proxy_on_this_machine_is_no_operator(local: Host, sent: dict[str, str]) -> None:
    launch = launched(local, "queued")
    stranger = Client(REMOTE_ADDR="127.0.0.1", SERVER_NAME="127.0.0.1", **sent)
    assert "Launch</button>" not in page(stranger, "/")
    assert "open the link that Berth printed" in page(stranger, "/")
    for path in ("/launches/", f"/launches/{launch.pk}/stop/", f"/launches/{launch.pk}/chat/"):
        assert stranger.post(path, {"build": "x", "prompt": "x"}).status_code == 403
    launch.refresh_from_db()
    assert launch.status == "queued"


def test_the_link_of_this_start_makes_a_browser_the_operators_and_no_other_link_does(
    local: Host, settings: LazySettings
) -> None:
    launch = launched(local, "queued")
    browser = Client(SERVER_NAME="localhost")
    for key in ("", "x", settings.OPERATOR_KEY[:-1], settings.OPERATOR_KEY + "x"):
        assert browser.get("/operator/", {"key": key}).status_code == 403
    answer = open_link(browser).cookies[COOKIE]
    assert (answer["httponly"], answer["samesite"], answer["max-age"]) == (True, "Lax", "")
    assert settings.OPERATOR_KEY not in answer.value
    settings.LOCAL_OPERATOR = False
    assert browser.post(f"/launches/{launch.pk}/stop/").status_code == 403
    settings.LOCAL_OPERATOR, before = True, settings.OPERATOR_KEY
    settings.OPERATOR_KEY = "that of the next start"
    assert browser.post(f"/launches/{launch.pk}/stop/").status_code == 403
    settings.OPERATOR_KEY = ""  # started without the supervisor
    assert browser.post(f"/launches/{launch.pk}/stop/").status_code == 403
    assert browser.get("/operator/", {"key": ""}).status_code == 403
    settings.OPERATOR_KEY = before
    assert browser.post(f"/launches/{launch.pk}/stop/").status_code == 302


def test_only_staff_and_the_operators_browser_may_launch_and_stop(local: Host) -> None:
    launch = launched(local, "queued")
    stranger = Client(REMOTE_ADDR="192.0.2.7")
    assert "Launch</button>" not in page(stranger, "/")
    assert stranger.post(f"/launches/{launch.pk}/stop/").status_code == 403
    assert stranger.post("/launches/", {"build": "x"}).status_code == 403
    launch.refresh_from_db()
    assert launch.status == "queued"
    stranger.force_login(User.objects.create_user("staff", is_staff=True))
    assert stranger.post(f"/launches/{launch.pk}/stop/").status_code == 302
    launch.refresh_from_db()
    assert launch.status == "stopped"


@pytest.mark.parametrize("path", ["/launches/", f"/launches/{UUID(int=1)}/stop/", f"/launches/{UUID(int=1)}/chat/"])
def test_every_unsafe_page_wants_the_token_of_its_form(path: str) -> None:
    assert Client(enforce_csrf_checks=True).post(path, {}).status_code == 403
