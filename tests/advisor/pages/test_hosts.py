from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from hardware.models import Host
from hardware.snapshots import refresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def far() -> Host:
    return Host.objects.create(id="far", name="Far away", queue="host.far")


def test_the_page_names_a_host_that_sent_nothing_yet(client: Client, far: Host, driver: Callable[..., None]) -> None:
    driver(GPUS="NVIDIA L4|23034|0|8.9")
    refresh()
    page = client.get("/hardware/")
    assert page.status_code == 200
    assert "Far away" in page.text
    assert "has sent no snapshot yet" in page.text
    assert "NVIDIA L4" in page.text
