from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from advisor.launch.queue import get_launch
from advisor.models import ApiToken, Launch
from tests.support.launches import Enqueue, until

LAUNCHES, TOKENS = "/admin/advisor/launch/", "/admin/advisor/apitoken/"


@pytest.fixture
def admin(admin_user: User) -> Client:
    client = Client(enforce_csrf_checks=False)
    client.force_login(admin_user)
    return client


def act(client: Client, path: str, action: str, pk: object) -> str:
    return client.post(path, {"action": action, "_selected_action": [str(pk)]}, follow=True).content.decode()


def test_an_administrator_reads_a_launch_and_stops_it(
    fake: Callable[..., None], enqueue: Enqueue, admin: Client
) -> None:
    launch = until(enqueue(), "ready")
    assert "ready" in admin.get(LAUNCHES).content.decode()
    page = admin.get(f"{LAUNCHES}{launch.pk}/change/").content.decode()
    assert "queued" in page
    assert 'name="_save"' not in page
    assert "Asked tiny to stop" in act(admin, LAUNCHES, "stop", launch.pk)
    assert until(launch, "stopped").reason is None


def test_launches_are_neither_added_nor_changed_nor_deleted_there(
    fake: Callable[..., None], enqueue: Enqueue, admin: Client
) -> None:
    launch = enqueue()
    assert admin.get(f"{LAUNCHES}add/").status_code == 403
    assert admin.post(f"{LAUNCHES}{launch.pk}/change/", {"status": "ready"}).status_code == 403
    assert admin.post(f"{LAUNCHES}{launch.pk}/delete/", {"post": "yes"}).status_code == 403
    act(admin, LAUNCHES, "delete_selected", launch.pk)
    assert Launch.objects.get(pk=launch.pk).status == "queued"


def test_who_may_only_look_may_not_stop(fake: Callable[..., None], enqueue: Enqueue, client: Client) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_launch"))
    client.force_login(viewer)
    launch = enqueue()
    assert client.get(LAUNCHES).status_code == 200
    act(client, LAUNCHES, "stop", launch.pk)
    assert get_launch(launch.pk).status == "queued"


def test_a_token_is_revoked_once_and_its_digest_is_never_shown(admin: Client, db: None) -> None:
    token = ApiToken.objects.create(name="ci", key="k", digest="d1ge57", scopes=["read"])
    assert "1 revoked" in act(admin, TOKENS, "revoke", token.pk)
    token.refresh_from_db()
    assert token.revoked
    assert "0 revoked" in act(admin, TOKENS, "revoke", token.pk)
    page = admin.get(f"{TOKENS}{token.pk}/change/").content.decode()
    assert "ci" in page
    assert "d1ge57" not in page
