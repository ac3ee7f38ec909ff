"""The shape of the host document is true, whether the machine was read, stated or neither."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hardware import stated
from hardware.hosts import host_document, inventory
from hardware.models import Host
from hardware.shapes import HostDocument
from hardware.snapshots import refresh
from tests.support.shapes import untrue

pytestmark = pytest.mark.django_db


def test_a_machine_that_was_read(two: Callable[..., None]) -> None:
    refresh()
    document = host_document()
    assert len(document["accelerators"]) == 2
    assert untrue(HostDocument, document) == []


def test_a_machine_that_nobody_has_read() -> None:
    host = Host.objects.create(id="far", name="far", queue="host.far")
    assert untrue(HostDocument, inventory(host)) == []


@pytest.mark.parametrize("text", ["2x RTX 3090, 64 GB RAM", "M3 Max 64 GB", "RTX 4090"])
def test_a_machine_that_was_stated(text: str) -> None:
    assert untrue(HostDocument, stated.stated({"text": text})) == []
