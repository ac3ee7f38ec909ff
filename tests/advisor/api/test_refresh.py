"""A build of the catalog held against its repository: shown first, written when asked, one sentence where it fails."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.test import Client

from advisor.api.tokens import create_token
from catalog.models import Build
from tests.advisor.api.test_launch_download import bundled
from tests.support.hub import COMMIT, Hub, running

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
KEY, REPO = "smollm2-135m-instruct:Q8_0", "acme/SmolLM2-GGUF"
NAME = "smollm2-135m-instruct-q8_0.gguf"


@pytest.fixture
def hub(settings: LazySettings) -> Iterator[Hub]:
    Build.objects.filter(key=KEY).update(repo=REPO, files=[], basis="computed")
    with running(Hub()) as served:
        served.add(REPO, {NAME: bundled(), "README.md": Path(__file__)})
        settings.HF_ENDPOINT, settings.HF_CDN_HOSTS = served.url, []
        yield served


def refresh(client: Client, key: str = KEY, **body: Any) -> Any:
    headers = {"Authorization": f"Bearer {create_token(name='t', scopes=['catalog'])}"}
    return client.post(f"/api/v1/builds/{key}/refresh/", body, "application/json", headers=headers)


def test_the_difference_is_shown_first_and_written_when_asked(client: Client, hub: Hub) -> None:
    shown = refresh(client).json()
    assert (shown["build"], shown["applied"]) == (KEY, False)
    fields = {one["field"]: one for one in shown["differences"]}
    file = {"path": NAME, "bytes": bundled().stat().st_size, "revision": COMMIT}
    assert fields["files"]["proposed"][0].items() >= file.items()
    assert fields["basis"]["proposed"] == "exact"
    assert fields["files"]["source"].startswith(f"hub {REPO}@{COMMIT[:10]}:{NAME}")
    assert Build.objects.get(key=KEY).files == []
    asked = [path for path, headers in hub.asked if "resolve" in path and "range" not in headers]
    assert asked == []  # no byte of weights
    assert fields["bytes"]["action"] == "keep"  # this test has edited the row
    assert refresh(client, apply=True, overwrite=True).json()["applied"]
    row = Build.objects.get(key=KEY)
    assert row.files[0]["path"] == NAME
    assert row.bytes == file["bytes"]
    assert refresh(client).json()["differences"] == []


def test_what_is_not_there_is_one_sentence(client: Client, hub: Hub) -> None:
    hub.files[REPO] = {"README.md": Path(__file__)}
    answer = refresh(client)
    assert (answer.status_code, answer.json()["detail"]) == (409, f"{REPO} has no Q8_0 file.")
    hub.files.clear()
    assert "is gated, private or not there" in refresh(client).json()["detail"]
    assert refresh(client, "nobody:Q4_0").status_code == 404
    assert refresh(client, apply="maybe").status_code == 400
    Build.objects.filter(key=KEY).update(repo="")
    assert "No repository" in refresh(client).json()["detail"]


def test_the_command_does_the_same(hub: Hub) -> None:
    out = StringIO()
    Build.objects.filter(model__slug="smollm2-135m-instruct").exclude(key=KEY).update(repo="")
    call_command("refresh", model=["smollm2-135m-instruct"], stdout=out)
    assert "Nothing was written. --apply writes this." in out.getvalue()
    call_command("refresh", model=["smollm2-135m-instruct"], apply=True, overwrite=True, stdout=out)
    assert Build.objects.get(key=KEY).basis == "exact"
    with pytest.raises(CommandError, match="Say which"):
        call_command("refresh")
    hub.files.clear()
    with pytest.raises(CommandError, match="1 of 1 builds were left as they are"):
        call_command("refresh", model=["smollm2-135m-instruct"], stderr=StringIO())
