from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from hardware import ledger, probe_child, tasks
from hardware.hosts import host_document
from hardware.models import Accelerator, Snapshot
from hardware.snapshots import record, refresh, this_host
from tests.hardware.conftest import ONE, TWO

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
MIB = 1024**2
GPU0, GPU1 = (f"GPU-00000000-0000-4000-8000-00000000000{n}" for n in range(2))
Driver = Callable[..., None]


def rows() -> dict[str, tuple[str, int, bool]]:
    return {a.uuid: (a.kind, a.capacity_bytes // MIB, a.present) for a in Accelerator.objects.exclude(uuid="ram")}


def test_the_task_reads_this_machine_into_rows(two: Driver) -> None:
    tasks.snapshot()
    assert rows() == {GPU0: ("gpu", 24564, True), GPU1: ("gpu", 24576, True)}
    ram = Accelerator.objects.get(uuid="ram")
    assert (ram.kind, ram.capacity_bytes) == ("memory", Snapshot.objects.get().data["memory"]["total"])


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ("import time; time.sleep(60)", "timeout"),
        ("raise SystemExit(3)", "crash"),
        ("print('{\"os\":')", "garbage"),
    ],
)
def test_a_failed_probe_is_a_row_and_the_last_good_one_stays(
    two: Driver, monkeypatch: pytest.MonkeyPatch, broken: str, error: str
) -> None:
    good = refresh()
    monkeypatch.setattr(probe_child.run, "__defaults__", ((sys.executable, "-c", broken), 1.0))
    failed = refresh()
    assert (failed.ok, failed.error, failed.data) == (False, error, None)
    document = host_document()
    assert len(document["accelerators"]) == 2
    assert document["snapshot"] == document["snapshot"] | {
        "id": good.pk,
        "stale": True,
        "ok": False,
        "error": error,
        "message": failed.message,
    }
    assert failed.message in document["warnings"]
    assert all(present for _, _, present in rows().values())


def test_a_driver_updated_under_a_running_machine_keeps_the_old_reading_and_says_reboot(two: Driver) -> None:
    refresh()
    two(FAULTS="nvmlInitWithFlags=18")
    assert refresh().error == "driver_mismatch"
    document = host_document()
    assert len(document["accelerators"]) == 2
    assert document["snapshot"]["stale"] is True
    assert "reboot" in document["snapshot"]["message"]


def test_a_gpu_that_was_taken_out_is_absent_and_comes_back(two: Driver) -> None:
    refresh()
    two(GPUS=ONE)
    refresh()
    assert [present for _, _, present in rows().values()] == [True, False]
    two(GPUS=TWO)
    refresh()
    assert [present for _, _, present in rows().values()] == [True, True]


def test_gpus_that_change_places_in_a_reboot_keep_their_rows(driver: Driver) -> None:
    cards = ["NVIDIA L4|23034|0|8.9|GPU-one", "Tesla T4|15360|0|7.5|GPU-two"]
    driver(GPUS=";".join(cards))
    refresh()
    holder = uuid.uuid4()
    ledger.reserve(holder, "local", {"GPU-one": 1024 * MIB})
    driver(GPUS=";".join(reversed(cards)))
    refresh()
    assert rows() == {"GPU-one": ("gpu", 23034, True), "GPU-two": ("gpu", 15360, True)}
    found = {d["uuid"]: (d["name"], d["reserved_bytes"] // MIB) for d in host_document()["accelerators"]}
    assert found == {"GPU-one": ("NVIDIA L4", 1024), "GPU-two": ("Tesla T4", 0)}


def test_a_capacity_never_falls_below_what_was_promised(two: Driver) -> None:
    refresh()
    ledger.reserve(uuid.uuid4(), "local", {GPU0: 24_000 * MIB})
    two(GPUS="NVIDIA GeForce RTX 4090|20000|0|8.9")
    refresh()
    assert rows()[GPU0] == ("gpu", 24_000, True)
    assert host_document()["accelerators"][0]["free_bytes"] == 0


def test_a_month_of_snapshots_is_pruned_and_the_last_good_one_stays(two: Driver) -> None:
    good = refresh()
    Snapshot.objects.filter(pk=good.pk).update(taken=timezone.now() - timedelta(days=30))
    month = [
        Snapshot(host_id="local", taken=timezone.now() - timedelta(hours=h), ok=False, error="timeout")
        for h in range(700)
    ]
    Snapshot.objects.bulk_create(month)
    before: dict[str, Any] = host_document()
    record(this_host(), timezone.now(), None, "timeout", "It hangs.")
    assert Snapshot.objects.count() <= 26
    assert host_document()["accelerators"] == before["accelerators"]
