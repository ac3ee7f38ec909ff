from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from hardware.models import Host
from hardware.snapshots import refresh
from tests.advisor.pages.conftest import page

pytestmark = pytest.mark.django_db


def test_the_page_names_a_host_that_sent_nothing_yet(client: Client, driver: Callable[..., None]) -> None:
    Host.objects.create(id="far", name="Far away", queue="host.far")
    driver(GPUS="NVIDIA L4|23034|0|8.9")
    refresh()
    text = page(client, "/hardware/")
    assert "Far away" in text
    assert "has sent no snapshot yet" in text
    assert "NVIDIA L4" in text


def test_hardware_with_two_gpus_and_a_host_that_sent_nothing(client: Client, driver: Callable[..., None]) -> None:
    driver(GPUS="NVIDIA GeForce RTX 4090|24564|412|8.9;NVIDIA GeForce RTX 3090|24576|300|8.6")
    refresh()
    Host.objects.create(id="far", name="far", queue="host.far")
    text = page(client, "/hardware/")
    assert "NVIDIA GeForce RTX 3090" in text
    assert "has sent no snapshot yet" in text
