"""AMD cards as the amdgpu driver shows them under /sys, in a folder made by a test."""

from __future__ import annotations

from pathlib import Path

from hardware import amd

GIB = 1024**3
IDS = """# comment
1.0.0
744C,	C8,	AMD Radeon RX 7900 XTX
744C,	CC,	AMD Radeon RX 7900 XT
1586,	C1,	AMD Radeon 8060S Graphics
"""


def write_card(root: Path, number: int, address: str, **files: object) -> None:
    folder = root / "sys/devices/pci0000:00" / address
    folder.mkdir(parents=True)
    for name, content in {"vendor": "0x1002", **files}.items():
        (folder / name).write_text(f"{content}\n")
    drm = root / f"sys/class/drm/card{number}"
    drm.mkdir(parents=True)
    (drm / "device").symlink_to(folder)


def write_discrete(root: Path) -> None:
    write_card(
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


def write_names(root: Path) -> Path:
    """Writes the table of marketing names where libdrm keeps it."""
    (root / "usr/share/libdrm").mkdir(parents=True)
    (root / amd.MARKETING_NAMES).write_text(IDS)
    return root
