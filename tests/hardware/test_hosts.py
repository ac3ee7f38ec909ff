from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from hardware import ledger, probe_child
from hardware.hosts import host_document
from hardware.models import Accelerator, Host, Snapshot
from hardware.snapshots import refresh, stale_seconds
from hardware.stated import HardwareError

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
MIB = 1024**2
GPU0 = "GPU-00000000-0000-4000-8000-000000000000"
Driver = Callable[..., None]


def test_the_document_joins_reading_reference_and_reservations(two: Driver) -> None:
    refresh()
    ledger.reserve(uuid.uuid4(), "local", {GPU0: 20_000 * MIB, "ram": MIB})
    document = host_document()
    first, second = document["accelerators"]
    assert first == {
        "name": "NVIDIA GeForce RTX 4090",
        "uuid": GPU0,
        "memory_bytes": 24564 * MIB,
        "free_bytes": 4152 * MIB,  # 412 MiB are used by others
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


def test_the_document_costs_a_fixed_number_of_queries(two: Driver, django_assert_num_queries: Any) -> None:
    refresh()
    with django_assert_num_queries(5):
        host_document()
