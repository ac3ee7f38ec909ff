"""Who may read /metrics, and where."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

pytestmark = pytest.mark.django_db


def test_it_is_there_for_readers_and_only_where_it_is_wanted(client: Client, settings: LazySettings) -> None:
    settings.ANONYMOUS_ACCESS = False
    assert client.get("/metrics").status_code == 401
    settings.ANONYMOUS_ACCESS, settings.METRICS = True, False
    assert client.get("/metrics").status_code == 404
