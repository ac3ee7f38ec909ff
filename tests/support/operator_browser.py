"""A browser that has opened the operator link."""

from __future__ import annotations

from django.conf import settings
from django.test import Client


def open_link(client: Client) -> Client:
    answer = client.get("/operator/", {"key": settings.OPERATOR_KEY})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    return client
