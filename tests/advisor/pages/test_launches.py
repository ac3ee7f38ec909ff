from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from advisor.models import Launch
from hardware.models import Host
from tests.advisor.pages.conftest import launched, page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
HOSTILE = "<script>alert(1)</script>"


@pytest.mark.parametrize("status", [*Launch.ACTIVE, *Launch.FINAL])
@pytest.mark.parametrize("measured", [None, {"total_bytes": 5 << 30, "decode_tokens_per_second": 2, "source": "rss"}])
def test_a_launch_in_every_state(client: Client, local: Host, status: str, measured: dict[str, Any] | None) -> None:
    launch = launched(local, status, measured=measured, port=1, message="why it is so")
    text = page(client, f"/launches/{launch.pk}/")
    assert f"{status}</span>" in text
    assert "why it is so" in text
    assert ("Prediction is off by" in text) == bool(measured)
    assert ("Stop</button>" in text) == (status in ("queued", "downloading", "starting", "ready", "unhealthy"))
    assert f"{status}</span>" in page(client, "/launches/")


def test_a_measurement_without_a_total_is_shown_as_unknown(client: Client, local: Host) -> None:
    measured = {"total_bytes": None, "decode_tokens_per_second": None, "source": "engine log"}
    text = page(client, f"/launches/{launched(local, 'ready', measured=measured, port=1).pk}/")
    assert "unknown" in text
    assert "Prediction is off by" not in text


@pytest.mark.parametrize("path", ["", "stop/", "chat/"])
def test_a_launch_that_does_not_exist_is_a_page_that_says_so(client: Client, path: str) -> None:
    url = f"/launches/{uuid4()}/{path}"
    answer = client.post(url, {"prompt": "x"}) if path else client.get(url)
    assert answer.status_code == 404
    assert "There is nothing at this address." in answer.content.decode()


def test_what_others_wrote_is_text(client: Client, local: Host) -> None:
    launch = launched(local, "failed", message=HOSTILE, reason="exited")
    Host.objects.update(name=HOSTILE)
    for path in (f"/launches/{launch.pk}/", "/launches/", "/hardware/", f"/?hw={HOSTILE}", f"/?{HOSTILE}=1"):
        assert HOSTILE not in client.get(path).content.decode(), path


def test_a_wish_that_cannot_be_met_comes_back_with_a_sentence(client: Client, local: Host) -> None:
    answer = client.post("/launches/", {"build": "no-such:Q4_0", "settings": '{"context": 4096}'}, follow=True)
    assert "Not launched: " in answer.content.decode()
    assert "is not a build of this catalog" in answer.content.decode()
