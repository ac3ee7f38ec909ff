"""AMD's sysfs and Apple's tools, as files and answers that the test makes."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from hardware import amd, apple, match_reference, probe, probe_child

GIB = 1024**3
IDS = """# comment
1.0.0
744C,	C8,	AMD Radeon RX 7900 XTX
744C,	CC,	AMD Radeon RX 7900 XT
1586,	C1,	AMD Radeon 8060S Graphics
"""


def card(root: Path, number: int, address: str, **files: object) -> None:
    folder = root / "sys/devices/pci0000:00" / address
    folder.mkdir(parents=True)
    for name, content in {"vendor": "0x1002", **files}.items():
        (folder / name).write_text(f"{content}\n")
    drm = root / f"sys/class/drm/card{number}"
    drm.mkdir(parents=True)
    (drm / "device").symlink_to(folder)


def discrete(root: Path) -> None:
    card(
        root,
        0,
        "0000:03:00.0",
        device="0x744c",
        revision="0xc8",
        unique_id="d4a2f7c8b1e03955",
        current_link_speed="16.0 GT/s PCIe",
        mem_info_vram_total=24560 * 1024**2,
        mem_info_vram_used=560 * 1024**2,
        mem_info_gtt_total=32 * GIB,
        mem_info_gtt_used=0,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "usr/share/libdrm").mkdir(parents=True)
    (tmp_path / amd.MARKETING_NAMES).write_text(IDS)
    return tmp_path


def test_a_radeon_has_its_marketing_name_its_memory_and_an_id_that_rocm_takes(root: Path) -> None:
    discrete(root)
    (gpu,) = amd.read(root)
    assert (gpu["name"], gpu["kind"], gpu["uuid"]) == ("AMD Radeon RX 7900 XTX", "gpu", "GPU-d4a2f7c8b1e03955")
    assert (gpu["memory_total"], gpu["memory_free"]) == (24560 * 1024**2, 24000 * 1024**2)
    described = match_reference.described(gpu, None, {"total": GIB, "reserved": 0, "available": GIB})
    assert described is not None
    assert (described["memory_bandwidth"], described["free_bytes"]) == (960_000_000_000, 24000 * 1024**2)


def test_an_integrated_gpu_borrows_from_ram(root: Path) -> None:
    card(
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
    (gpu,) = amd.read(root)
    assert (gpu["name"], gpu["kind"], gpu["uuid"]) == ("AMD Radeon 8060S Graphics", "unified", "PCI-0000:c5:00.0")
    assert (gpu["memory_total"], gpu["memory_free"]) == (64 * GIB, 63 * GIB)
    described = match_reference.described(gpu, None, {"total": 125 * GIB, "reserved": 0, "available": 40 * GIB})
    assert described is not None
    assert (described["free_bytes"], described["memory_bandwidth"]) == (40 * GIB, 256_000_000_000)


def test_an_integrated_gpu_with_memory_of_its_own_keeps_it(root: Path) -> None:
    card(
        root,
        0,
        "0000:c5:00.0",
        mem_info_vram_total=96 * GIB,
        mem_info_vram_used=0,
        mem_info_gtt_total=16 * GIB,
        mem_info_gtt_used=0,
    )
    (gpu,) = amd.read(root)
    assert (gpu["kind"], gpu["memory_total"], gpu["name"]) == ("gpu", 96 * GIB, "AMD GPU")


def test_a_card_that_amdgpu_does_not_drive_is_an_error_of_its_own(root: Path) -> None:
    discrete(root)
    card(root, 1, "0000:04:00.0", current_link_speed="8.0 GT/s PCIe")
    card(root, 2, "0000:05:00.0", vendor="0x8086")
    good, bad = amd.read(root)
    assert good["error"] is None
    assert bad["error"]["code"] == "driver_not_loaded"


def test_the_probe_joins_the_makers_and_prints_its_schema(root: Path) -> None:
    discrete(root)
    data = probe.read(root)
    probe_child.check(data)
    assert [d["vendor"] for d in data["accelerators"]] == ["amd"]


def test_a_machine_without_cards_has_none(tmp_path: Path) -> None:
    assert amd.read(tmp_path) == []
    assert apple.read(GIB, GIB) == []


def test_an_apple_chip_shares_what_metal_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    answers = {
        "machdep.cpu.brand_string": "Apple M3 Max",
        "-d1": '  "gpu-core-count" = 40',
        "iogpu.wired_limit_mb": "0",
    }
    (gpu,) = apple.read(64 * GIB, 60 * GIB, ask=lambda *command: answers[command[-1]])
    assert (gpu["name"], gpu["memory_total"], gpu["memory_free"]) == ("Apple M3 Max (40-core GPU)", 48 * GIB, 48 * GIB)
    described = match_reference.described(gpu, None, {"total": 64 * GIB, "reserved": 0, "available": 30 * GIB})
    assert described is not None
    assert (described["memory_bandwidth"], described["free_bytes"]) == (400_000_000_000, 30 * GIB)
    answers["iogpu.wired_limit_mb"] = "57344"
    assert apple.read(64 * GIB, GIB, ask=lambda *command: answers[command[-1]])[0]["memory_total"] == 56 * GIB


def test_a_tool_that_is_not_there_says_nothing() -> None:
    assert apple.ask("/no/such/tool") == ""
    assert apple.ask("/bin/false") == ""
