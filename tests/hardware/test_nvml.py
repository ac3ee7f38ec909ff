"""The real nvidia-ml-py on a stand-in library, in a real child."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hardware.nvml import FAILURES
from tests.hardware.conftest import ONE, TWO

MIB = 1024**2
Probe = Callable[..., dict[str, Any]]
FOUR = ";".join(f"NVIDIA L4|23034|{n}|8.9" for n in range(4))


def test_without_a_driver_and_without_a_card_there_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from hardware import probe_child

    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    data = probe_child.run(timeout_seconds=30)
    assert (data["error"], data["accelerators"], data["driver"]) == (None, [], None)
    assert data["memory"]["total"] >= data["memory"]["available"] > 0


def test_no_gpu_under_a_driver(probed: Probe) -> None:
    data = probed(GPUS="")
    assert (data["error"], data["accelerators"]) == (None, [])
    assert data["driver"] == "580.95.05"


def test_one_gpu_with_all_that_is_known_of_it(probed: Probe) -> None:
    (gpu,) = probed(GPUS=ONE, PROCS="0:4711:300")["accelerators"]
    assert gpu == {
        "vendor": "nvidia",
        "kind": "gpu",
        "index": 0,
        "uuid": "GPU-00000000-0000-4000-8000-000000000000",
        "name": "NVIDIA GeForce RTX 4090",
        "parent": None,
        "pci_bus_id": "00000000:01:00.0",
        "compute_capability": "8.9",
        "memory_total": 24564 * MIB,
        "memory_free": 24152 * MIB,
        "memory_used": 156 * MIB,  # version 2 sets the driver's own 256 MiB apart
        "memory_bandwidth": 1_008_096_000_000,
        "processes": [{"pid": 4711, "bytes": 300 * MIB}],
        "error": None,
    }


def test_two_different_gpus_and_thirty_two(probed: Probe) -> None:
    assert [g["memory_total"] // MIB for g in probed(GPUS=TWO)["accelerators"]] == [24564, 24576]
    many = probed(GPUS=";".join(["NVIDIA H200|143771|0|9.0"] * 32))["accelerators"]
    assert len({g["uuid"] for g in many}) == 32


def test_memory_of_a_process_that_the_driver_hides_is_unknown_and_not_zero(probed: Probe) -> None:
    (gpu,) = probed(GPUS=ONE, PROCS="0:4711:-")["accelerators"]
    assert gpu["processes"] == [{"pid": 4711, "bytes": None}]


def test_a_driver_without_memory_version_2_is_asked_in_version_1(probed: Probe) -> None:
    (gpu,) = probed(GPUS=ONE, FAULTS="nvmlDeviceGetMemoryInfo_v2=13")["accelerators"]
    assert (gpu["error"], gpu["memory_used"]) == (None, 412 * MIB)


@pytest.mark.parametrize("code", [3, 4, 9, 12, 13, 15, 18, 999])
@pytest.mark.parametrize("call", ["nvmlInitWithFlags", "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetMemoryInfo*"])
def test_every_failure_is_one_word_and_one_sentence(probed: Probe, call: str, code: int) -> None:
    data = probed(GPUS=TWO, FAULTS=f"{call}={code}")
    word, sentence = FAILURES[code]
    if call == "nvmlInitWithFlags":
        absent = word in ("library_missing", "driver_not_loaded")  # and no NVIDIA card on the bus: nothing is wrong
        assert data["error"] == (None if absent else {"code": word, "message": sentence})
    else:
        assert data["error"] is None
        assert [g["error"] for g in data["accelerators"]] == [{"code": word, "message": sentence}] * 2
    assert sentence.endswith(".")


def test_one_of_four_gpus_lost_midway_leaves_three_usable(probed: Probe) -> None:
    gpus = probed(GPUS=FOUR, FAULTS="nvmlDevice*@2=15", AFTER="4")["accelerators"]
    assert [g["error"]["code"] if g["error"] else None for g in gpus] == [None, None, "gpu_lost", None]
    assert [bool(g["memory_total"]) for g in gpus] == [True, True, False, True]


def test_mig_slices_stand_in_for_their_parent(probed: Probe) -> None:
    data = probed(
        GPUS="NVIDIA A100-SXM4-40GB|40960|0|8.0;NVIDIA L4|23034|0|8.9",
        MIG="0:1g.5gb|4864|12;0:3g.20gb|19968|0",
        FAULTS="nvmlDeviceGetMemoryInfo_v2@0=4,nvmlDeviceGetMemoryInfo@0=4",
    )
    small, large, other = data["accelerators"]
    assert (small["kind"], small["memory_total"], small["parent"]) == ("mig", 4864 * MIB, "NVIDIA A100-SXM4-40GB")
    assert large["uuid"].startswith("MIG-")
    assert small["uuid"] != large["uuid"]
    assert (other["kind"], other["error"]) == ("gpu", None)


@pytest.mark.parametrize("name", ["NVIDIA GB10", "NVIDIA Thor", "Orin (nvgpu)"])
def test_a_known_integrated_device_has_the_hosts_memory(probed: Probe, name: str) -> None:
    data = probed(GPUS=f"{name}|0|0|12.1", FAULTS="nvmlDeviceGetMemoryInfo_v2=3,nvmlDeviceGetMemoryInfo=3")
    (gpu,) = data["accelerators"]
    assert (gpu["kind"], gpu["memory_total"]) == ("unified", data["memory"]["total"])


def test_an_unknown_device_without_memory_is_never_taken_for_unified(probed: Probe) -> None:
    (gpu,) = probed(GPUS="NVIDIA Mystery|0|0|9.9", FAULTS="nvmlDeviceGetMemoryInfo_v2=3")["accelerators"]
    assert (gpu["kind"], gpu["memory_total"], gpu["error"]["code"]) == ("gpu", None, "not_supported")
