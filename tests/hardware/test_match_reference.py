from __future__ import annotations

from typing import Any

import pytest

from hardware.match_reference import described, reference, slice_of
from hardware.models import Accelerator
from hardware.reference import GIB, MIB

RAM = {"total": 64 * GIB, "reserved": 8 * GIB, "available": 40 * GIB}


def device(**values: Any) -> dict[str, Any]:
    plain = {
        **{"vendor": "nvidia", "kind": "gpu", "uuid": "GPU-1", "name": "NVIDIA GeForce RTX 4090", "error": None},
        **{"memory_total": 24564 * MIB, "memory_free": 24000 * MIB},
    }
    return plain | values


@pytest.mark.parametrize(
    "missing", [{"error": {"code": "gpu_lost"}}, {"uuid": None}, {"name": ""}, {"memory_total": None}]
)
def test_a_device_that_failed_or_is_not_named_is_left_out(missing: dict[str, Any]) -> None:
    assert described(device(**missing), None, RAM) is None


def test_free_is_what_the_driver_says_less_what_is_promised() -> None:
    size = device()["memory_total"]
    for free, seen, left in ((24000, 0, 20000), (20000, 4000, 20000), (23000, 1000, 20000), (1000, 0, 0), (None, 0, 0)):
        row = Accelerator(capacity_bytes=size, reserved_bytes=4000 * MIB, seen_bytes=seen * MIB)
        found = described(device(memory_free=free and free * MIB), row, RAM)
        assert found
        assert (found["free_bytes"], found["reserved_bytes"]) == (left * MIB, 4000 * MIB)
    overdrawn = described(device(), Accelerator(capacity_bytes=size, reserved_bytes=30_000 * MIB), RAM)
    assert overdrawn
    assert overdrawn["free_bytes"] == 0


def test_a_unified_device_takes_from_the_hosts_memory() -> None:
    gb10 = device(kind="unified", name="NVIDIA GB10", memory_total=64 * GIB, memory_free=60 * GIB)
    found = described(gb10, Accelerator(reserved_bytes=1), RAM)
    assert found
    assert (found["unified"], found["free_bytes"], found["reserved_bytes"]) == (True, 40 * GIB, 8 * GIB)


def test_facts_of_the_reference_go_before_what_a_driver_reports() -> None:
    known = described(device(memory_bandwidth=1, compute_capability="9.9"), None, RAM)
    assert known
    assert (known["memory_bandwidth"], known["compute_capability"]) == (1_008_000_000_000, "9.9")
    unknown = described(device(name="Mystery", memory_bandwidth=7), None, RAM)
    assert unknown
    assert (unknown["memory_bandwidth"], unknown["flops_fp16"]) == (7, None)


def test_a_name_of_several_cards_is_known_by_its_size_or_not_at_all() -> None:
    found = reference("NVIDIA GeForce RTX 3060", 12 * GIB)
    assert found
    assert found.name == "NVIDIA GeForce RTX 3060 12 GB"
    assert reference("NVIDIA GeForce RTX 3060", None) is None
    assert reference("Mystery", 12 * GIB) is None


@pytest.mark.parametrize(
    ("name", "gib", "share", "compute"),
    [
        ("NVIDIA A100-SXM4-40GB MIG 3g.20gb", 20, 0.5, 3 / 7),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", 5, 0.125, 1 / 7),
        ("a slice", 10, 0.25, 0.25),
    ],
)
def test_a_slice_has_its_share_of_the_parent(name: str, gib: int, share: float, compute: float) -> None:
    parent = reference("NVIDIA A100-SXM4-40GB", None)
    found = slice_of({"kind": "mig", "name": name, "memory_total": gib * GIB}, parent)
    assert found == pytest.approx((share, compute))
    assert slice_of({"kind": "gpu", "name": name, "memory_total": gib * GIB}, parent) == (1.0, 1.0)
