from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from advisor.api import tokens
from hardware import ledger
from hardware.models import Host, Snapshot
from hardware.reference import specs
from hardware.snapshots import record, refresh
from tests.support.readings import READING

pytestmark = pytest.mark.django_db
GPU0 = "GPU-00000000-0000-4000-8000-000000000000"


@pytest.fixture
def far() -> Host:
    return Host.objects.create(id="far", name="Far away", queue="host.far")


def bearer(scopes: list[str], host: Host | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.create_token(name='t', scopes=scopes, host=host)}"}


def send(client: Client, host: str, headers: dict[str, str], body: Any = READING) -> Any:
    return client.post(f"/api/v1/hosts/{host}/snapshots/", body, content_type="application/json", headers=headers)


def test_an_agent_sends_its_own_hosts_reading_and_no_others(client: Client, far: Host) -> None:
    other = Host.objects.create(id="other", name="other", queue="host.other")
    assert send(client, "far", bearer(["agent"], other)).status_code == 403
    assert send(client, "far", bearer(["read", "launch", "catalog"], far)).status_code == 403
    assert send(client, "far", {}).status_code in (401, 403)
    assert not Snapshot.objects.exists()
    answer = send(client, "far", bearer(["agent"], far))
    assert answer.status_code == 201
    assert answer.json()["ok"] is True
    (gpu,) = client.get("/api/v1/hosts/far/").json()["accelerators"]
    assert (gpu["name"], gpu["free_bytes"]) == ("NVIDIA L4", 22000 * 1024**2)


CARD = READING["accelerators"][0]


SHAPES: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "os"),
    "a list": ([], ""),
    "no memory": (READING | {"memory": None}, "memory"),
    "an unknown system": (READING | {"os": "beos"}, "os"),
    "an unknown field": (READING | {"extra": 1}, "extra"),
    "more memory than can be": (READING | {"memory": READING["memory"] | {"total": 10**30}}, "memory.total"),
    "an endless index": (READING | {"accelerators": [CARD | {"index": 10**30}]}, "accelerators[0].index"),
    "an unknown kind": (READING | {"accelerators": [CARD | {"kind": "toy"}]}, "accelerators[0].kind"),
    "an unknown field of a card": (READING | {"accelerators": [CARD | {"colour": "red"}]}, "accelerators[0].colour"),
    "a card twice": (READING | {"accelerators": [CARD, CARD]}, "accelerators"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_reading_of_another_shape_is_400_and_nothing_is_kept(client: Client, far: Host, name: str) -> None:
    body, field = SHAPES[name]
    answer = send(client, "far", bearer(["agent"], far), body)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Snapshot.objects.exists()


def test_hosts_are_listed_with_the_age_and_error_of_their_reading(client: Client, far: Host) -> None:
    send(client, "far", bearer(["agent"], far))
    send(client, "far", bearer(["agent"], far), READING | {"error": {"code": "driver_mismatch", "message": "Reboot."}})
    (row,) = client.get("/api/v1/hosts/").json()["results"]
    assert (row["id"], row["name"]) == ("far", "Far away")
    assert (row["snapshot"]["ok"], row["snapshot"]["error"], row["snapshot"]["message"]) == (
        False,
        "driver_mismatch",
        "Reboot.",
    )
    assert row["snapshot"]["stale"] is True


def test_a_hosts_tag_changes_with_a_reservation_and_not_with_time(client: Client, driver: Callable[..., None]) -> None:
    driver(GPUS="NVIDIA L4|23034|0|8.9")
    refresh()
    first = client.get("/api/v1/hosts/local/")
    assert first.json()["id"] == "local"
    known = {"If-None-Match": first["ETag"]}
    assert client.get("/api/v1/hosts/local/", headers=known).status_code == 304
    ledger.reserve(uuid.uuid4(), "local", {GPU0: 1024})
    assert client.get("/api/v1/hosts/local/", headers=known).status_code == 200


def test_a_host_without_a_reading_and_one_without_a_row(client: Client, far: Host) -> None:
    answer = client.get("/api/v1/hosts/far/")
    host = answer.json()
    assert (answer.status_code, host["accelerators"], host["ram_bytes"], host["snapshot"]) == (200, [], None, None)
    assert host["warnings"] == ["Host 'far' has sent no snapshot yet."]
    assert client.get("/api/v1/hosts/far/", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert client.get("/api/v1/hosts/nowhere/").status_code == 404


def test_a_host_of_which_nothing_could_be_read_says_why(client: Client, far: Host) -> None:
    record(far, timezone.now(), None, "timeout", "The probe did not answer.")
    host = client.get("/api/v1/hosts/far/").json()
    assert (host["snapshot"]["ok"], host["snapshot"]["error"], host["ram_bytes"]) == (False, "timeout", None)
    assert set(host) > {"created", "cpu_cores", "os", "ram_reserved_bytes"}


def test_a_hostile_name_is_text(client: Client, far: Host) -> None:
    evil = READING | {"accelerators": [READING["accelerators"][0] | {"name": "<script>alert(1)</script>"}]}
    assert send(client, "far", bearer(["agent"], far), evil).status_code == 201
    assert client.get("/api/v1/hosts/far/")["Content-Type"] == "application/json"


def test_reference_accelerators_are_searched_ordered_and_paged(client: Client) -> None:
    found = client.get("/api/v1/accelerators/", {"search": "h100"}).json()["results"]
    assert [s["name"] for s in found] == ["NVIDIA H100 SXM5 80GB", "NVIDIA H100 PCIe 80GB", "NVIDIA H100 NVL 94GB"]
    assert all(s["source"] for s in found)
    apple = client.get("/api/v1/accelerators/", {"vendor": "apple", "ordering": "-memory_bytes"}).json()["results"]
    assert apple[0]["name"] == "Apple M3 Ultra"
    names: list[str] = []
    url: str | None = "/api/v1/accelerators/?limit=100"
    while url:
        page = client.get(url).json()
        names += [s["name"] for s in page["results"]]
        url = page["next"]
    assert names == [s.name for s in specs()]


@pytest.mark.parametrize(
    "query",
    ["vram=24", "limit=0", "limit=501", "limit=x", "cursor=-1", "cursor=99999999", "vendor=matrox", "ordering=price"],
)
@pytest.mark.parametrize("path", ["accelerators", "hosts"])
def test_an_unknown_or_wrong_key_is_400_and_named(client: Client, path: str, query: str) -> None:
    answer = client.get(f"/api/v1/{path}/?{query}")
    assert answer.status_code == 400
    assert [e["field"] for e in answer.json()["errors"]] == [query.partition("=")[0]]


def test_without_anonymous_access_a_token_is_needed(client: Client, far: Host) -> None:
    with override_settings(ANONYMOUS_ACCESS=False):
        for path in ("hosts/", "hosts/far/", "accelerators/"):
            assert client.get(f"/api/v1/{path}").status_code in (401, 403)
            assert client.get(f"/api/v1/{path}", headers=bearer(["read"])).status_code == 200


def test_a_list_of_hosts_costs_a_fixed_number_of_queries_each(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        Host.objects.create(id=f"h{number}", name="h", queue=f"host.h{number}")
    with django_assert_max_num_queries(31):
        assert len(client.get("/api/v1/hosts/").json()["results"]) == 10
