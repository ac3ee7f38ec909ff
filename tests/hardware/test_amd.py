"""AMD's sysfs as files that the test makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware import amd, apple, match_reference
from tests.support.radeon import GIB, write_card, write_discrete, write_names


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_names(tmp_path)


def test_a_radeon_has_its_marketing_name_its_memory_and_an_id_that_rocm_takes(root: Path) -> None:
    write_discrete(root)
    (gpu,) = amd.read_amd(root)
    assert (gpu["name"], gpu["kind"], gpu["uuid"]) == ("AMD Radeon RX 7900 XTX", "gpu", "GPU-d4a2f7c8b1e03955")
    assert (gpu["memory_total"], gpu["memory_free"]) == (24560 * 1024**2, 24000 * 1024**2)
    described = match_reference.described(gpu, None, {"total": GIB, "reserved": 0, "available": GIB})
    assert described is not None
    assert (described["memory_bandwidth"], described["free_bytes"]) == (960_000_000_000, 24000 * 1024**2)


def test_an_integrated_gpu_borrows_from_ram(root: Path) -> None:
    write_card(
        root,
        1,
        "0000:c5:00.0",
        device="0x1586",
        revision="0xc1",
        mem_info_vram_total=GIB // 2,
        mem_info_vram_used=0,
        mem_info_gtt_total=64 * GIB,
        mem_info_gtt_used=GIB,
    )
    (gpu,) = amd.read_amd(root)
    assert (gpu["name"], gpu["kind"], gpu["uuid"]) == ("AMD Radeon 8060S Graphics", "unified", "PCI-0000:c5:00.0")
    assert (gpu["memory_total"], gpu["memory_free"]) == (64 * GIB, 63 * GIB)
    described = match_reference.described(gpu, None, {"total": 125 * GIB, "reserved": 0, "available": 40 * GIB})
    assert described is not None
    assert (described["free_bytes"], described["memory_bandwidth"]) == (40 * GIB, 256_000_000_000)


def test_an_integrated_gpu_with_memory_of_its_own_keeps_it(root: Path) -> None:
    write_card(
        root,
        0,
        "0000:c5:00.0",
        mem_info_vram_total=96 * GIB,
        mem_info_vram_used=0,
        mem_info_gtt_total=16 * GIB,
        mem_info_gtt_used=0,
    )
    (gpu,) = amd.read_amd(root)
    assert (gpu["kind"], gpu["memory_total"], gpu["name"]) == ("gpu", 96 * GIB, "AMD GPU")


def test_a_card_that_amdgpu_does_not_drive_is_an_error_of_its_own(root: Path) -> None:
    write_discrete(root)
    write_card(root, 1, "0000:04:00.0", current_link_speed="8.0 GT/s PCIe")
    write_card(root, 2, "0000:05:00.0", vendor="0x8086")
    good, bad = amd.read_amd(root)
    assert good["error"] is None
    assert bad["error"]["code"] == "driver_not_loaded"


def test_a_machine_without_cards_has_none(tmp_path: Path) -> None:
    assert amd.read_amd(tmp_path) == []
    assert apple.read_apple(GIB, GIB) == []
