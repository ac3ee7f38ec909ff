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
from hardware.models import Accelerator, Host, Snapshot
from hardware.snapshots import record, refresh, stale_seconds, this_host
from hardware.stated import HardwareError

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
MIB = 1024**2
GPU0, GPU1 = (f"GPU-00000000-0000-4000-8000-00000000000{n}" for n in range(2))
Driver = Callable[..., None]
ONE = "NVIDIA GeForce RTX 4090|24564|412|8.9"
TWO = f"{ONE};NVIDIA GeForce RTX 3090|24576|300|8.6"


@pytest.fixture
def two(driver: Driver) -> Driver:
    driver(GPUS=TWO)
    return driver


def rows() -> dict[str, tuple[str, int, bool]]:
    return {a.uuid: (a.kind, a.capacity_bytes // MIB, a.present) for a in Accelerator.objects.exclude(uuid="ram")}


def test_the_task_reads_this_machine_into_rows(two: Driver) -> None:
    tasks.snapshot()
    assert rows() == {GPU0: ("gpu", 24564, True), GPU1: ("gpu", 24576, True)}
    ram = Accelerator.objects.get(uuid="ram")
    assert (ram.kind, ram.capacity_bytes) == ("memory", Snapshot.objects.get().data["memory"]["total"])


def test_the_document_joins_reading_reference_and_reservations(two: Driver) -> None:
    refresh()
    ledger.reserve(uuid.uuid4(), "local", {GPU0: 20_000 * MIB, "ram": MIB})
    document = host_document()
    first, second = document["accelerators"]
    assert first == {
        "name": "NVIDIA GeForce RTX 4090",
        "uuid": GPU0,
        "memory_bytes": 24564 * MIB,
        "free_bytes": 4564 * MIB,
        "reserved_bytes": 20_000 * MIB,
        "memory_bandwidth": 1_008_000_000_000,
        "flops_fp16": 165_200_000_000_000,
        "compute_capability": "8.9",
        "unified": False,
        "vendor": "nvidia",
        "source": "detected",
    }
    assert (second["free_bytes"], second["reserved_bytes"]) == (24276 * MIB, 0)
    assert document["ram_reserved_bytes"] == MIB
    assert 0 < document["ram_available_bytes"] < document["ram_bytes"]
    assert document["snapshot"]["ok"] is True
    assert document["snapshot"]["stale"] is False
    assert document["warnings"] == []


def test_the_first_question_reads_the_machine_by_itself(two: Driver) -> None:
    assert len(host_document()["accelerators"]) == 2
    host_document()
    assert Snapshot.objects.count() == 1


def test_local_is_this_machine_whatever_it_is_called(two: Driver, settings: Any) -> None:
    settings.HOST_ID, settings.HOST_QUEUE = "gpu-7", "host.gpu-7"
    assert host_document("local")["host"] == "gpu-7"
    assert Host.objects.get().queue == "host.gpu-7"


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


def test_a_driver_that_never_worked_leaves_the_hosts_memory_to_plan_on(driver: Driver) -> None:
    driver(FAULTS="nvmlInitWithFlags=999")
    document = host_document()
    assert (document["accelerators"], document["snapshot"]["error"]) == ([], "nvml_unknown")
    assert document["ram_bytes"] > 0


def test_a_probe_that_never_answered_leaves_the_hosts_memory_to_plan_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_child.run, "__defaults__", ((sys.executable, "-c", "raise SystemExit(3)"), 5.0))
    document = host_document()
    assert (document["accelerators"], document["snapshot"]["stale"]) == ([], True)
    assert document["ram_bytes"] > 0


def test_one_lost_gpu_is_left_out_and_named(two: Driver) -> None:
    two(FAULTS="nvmlDeviceGetMemoryInfo*@1=15")
    document = host_document()
    assert [d["uuid"] for d in document["accelerators"]] == [GPU0]
    assert document["warnings"] == [
        "NVIDIA GeForce RTX 3090 is left out: The GPU has fallen off the bus: reset it or reboot the machine."
    ]


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


def test_a_unified_device_shares_the_hosts_memory(driver: Driver) -> None:
    driver(GPUS="NVIDIA GB10|0|0|12.1", FAULTS="nvmlDeviceGetMemoryInfo_v2=3")
    refresh()
    ledger.reserve(uuid.uuid4(), "local", {GPU0: 1024 * MIB})
    document = host_document()
    (gpu,) = document["accelerators"]
    assert gpu["unified"] is True
    assert gpu["memory_bytes"] == document["ram_bytes"]
    assert gpu["free_bytes"] == document["ram_available_bytes"]
    assert gpu["reserved_bytes"] == document["ram_reserved_bytes"] == 1024 * MIB


def test_a_mig_slice_has_its_share_of_the_parents_bandwidth(driver: Driver) -> None:
    driver(GPUS="NVIDIA A100-SXM4-40GB|40960|0|8.0", MIG="0:3g.20gb|20480|0")
    (part,) = host_document()["accelerators"]
    assert part["memory_bandwidth"] == 1_555_000_000_000 // 2
    assert part["flops_fp16"] == round(312e12 * 3 / 7)
    assert Accelerator.objects.get(uuid=part["uuid"]).kind == "mig"


def test_a_card_without_reference_has_the_bandwidth_that_its_driver_reports(driver: Driver) -> None:
    driver(GPUS="NVIDIA Mystery 9000|32768|0|13.0")
    (gpu,) = host_document()["accelerators"]
    assert (gpu["memory_bandwidth"], gpu["flops_fp16"]) == (1_008_096_000_000, None)


def test_an_old_snapshot_is_stale(two: Driver) -> None:
    refresh()
    Snapshot.objects.update(taken=timezone.now() - timedelta(seconds=stale_seconds() + 1))
    assert host_document()["snapshot"]["stale"] is True


def test_a_host_that_nobody_knows_or_that_sent_nothing_is_named() -> None:
    with pytest.raises(HardwareError, match="There is no host 'nowhere'"):
        host_document("nowhere")
    Host.objects.create(id="silent", name="silent", queue="host.silent")
    with pytest.raises(HardwareError, match="has sent no snapshot"):
        host_document("silent")


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


def test_the_document_costs_a_fixed_number_of_queries(two: Driver, django_assert_num_queries: Any) -> None:
    refresh()
    with django_assert_num_queries(5):
        host_document()
