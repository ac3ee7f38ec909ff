"""AMD GPU probe: reads the amdgpu kernel driver under /sys, without a library or a permission. Same dicts as NVML's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hardware.memory import number, text

VENDOR = "0x1002"
MARKETING_NAMES = "usr/share/libdrm/amdgpu.ids"  # "744C,\tC8,\tAMD Radeon RX 7900 XTX", from libdrm-amdgpu1


def read_amd(root: Path = Path("/")) -> list[dict[str, Any]]:
    """One dict per card driven by amdgpu. `root` is prepended to /sys and /usr."""
    cards = sorted((root / "sys/class/drm").glob("card*/device"))
    found = [card for card in cards if card.parent.name[4:].isdigit() and text(card / "vendor") == VENDOR]
    return [device(card, index, root) for index, card in enumerate(found)]


def device(card: Path, index: int, root: Path) -> dict[str, Any]:
    """A discrete card with its own memory, or an integrated one that borrows RAM (GTT).

    An integrated GPU to which the firmware reserved more memory than it may borrow counts as discrete.
    """
    address = card.resolve().name
    unique = text(card / "unique_id")
    vram, vram_used = number(card / "mem_info_vram_total"), number(card / "mem_info_vram_used")
    gtt, gtt_used = number(card / "mem_info_gtt_total"), number(card / "mem_info_gtt_used")
    name = text(card / "product_name") or marketing_name(card, root) or f"AMD GPU {text(card / 'device')}".strip()
    shared = integrated(card) and (gtt or 0) > (vram or 0)
    total, used = (gtt, gtt_used) if shared else (vram, vram_used)
    error = None
    if total is None or used is None:
        error = {
            "code": "driver_not_loaded",
            "message": "The amdgpu driver shows no memory for this card: load amdgpu.",
        }
    return {
        "vendor": "amd",
        "kind": "unified" if shared else "gpu",
        "index": index,
        # The form that ROCR_VISIBLE_DEVICES takes; cards without a unique id are identified by PCI address.
        "uuid": f"GPU-{unique}" if unique.strip("0") else f"PCI-{address}",
        "name": name,
        "pci_bus_id": address,
        "memory_total": total,
        "memory_free": None if error else max((total or 0) - (used or 0), 0),
        "memory_used": used,
        "error": error,
    }


def integrated(card: Path) -> bool:
    """Whether the GPU is an APU's: it sits on the processor's own bus and has no PCIe link speed."""
    return text(card / "current_link_speed") in ("", "Unknown")


def marketing_name(card: Path, root: Path) -> str | None:
    wanted = (text(card / "device").removeprefix("0x").upper(), text(card / "revision").removeprefix("0x").upper())
    for line in text(root / MARKETING_NAMES).splitlines():
        parts = [part.strip() for part in line.split(",", 2)]
        if len(parts) == 3 and (parts[0].upper(), parts[1].upper()) == wanted:
            return parts[2]
    return None
