from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from hardware.models import Host, Snapshot
from hardware.snapshots import record
from tests.support.readings import READING

pytestmark = pytest.mark.django_db


@pytest.fixture
def far() -> Host:
    return Host.objects.create(id="far", name="Far away", queue="host.far")


def test_the_admin_shows_what_was_read_and_lets_nobody_change_it(
    admin_client: Client, far: Host, admin_user: User
) -> None:
    record(far, timezone.now(), READING)
    for model in ("host", "accelerator", "snapshot", "reservation"):
        assert admin_client.get(f"/admin/hardware/{model}/").status_code == 200
    for model in ("accelerator", "snapshot", "reservation"):
        assert admin_client.get(f"/admin/hardware/{model}/add/").status_code == 403
    snapshot = Snapshot.objects.get()
    assert admin_client.post(f"/admin/hardware/snapshot/{snapshot.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.post(f"/admin/hardware/snapshot/{snapshot.pk}/change/", {"ok": ""}).status_code == 403
