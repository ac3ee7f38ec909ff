from __future__ import annotations

from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

from hardware.models import Host
from tests.advisor.pages.conftest import launched, page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_only_this_machine_and_staff_may_launch_and_stop(local: Host) -> None:
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
