"""`python -m hardware.probe`: one reading of this machine as JSON on stdout. No Django.

Run as a child process with a time-out (`hardware.probe_child`): NVML can hang or crash, and keeps its old library
mapped after a driver upgrade.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

from hardware import amd, apple, memory

SYSTEMS = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}
# A missing NVIDIA driver is no probe failure: the rest of the machine can be used.
ABSENT = ("library_missing", "driver_not_loaded")


def read_host(root: Path = Path("/")) -> dict[str, Any]:
    """`{"os", "memory", "driver", "error", "accelerators"}`; the shape is data/probe.schema.json."""
    from hardware import nvml  # noqa: PLC0415  the driver's library has no place in a process that only reads files

    found = without_drivers(root)
    ram = found["memory"]
    nvidia = nvml.read_nvml()
    error = nvidia["error"]
    if error and error["code"] in ABSENT and not nvidia_present(root):
        error = None
    for device in nvidia["devices"]:
        if device["kind"] == "unified":
            device.update(memory_total=ram["total"], memory_free=ram["available"])
    accelerators = [*nvidia["devices"], *amd.read_amd(root), *apple.read_apple(ram["total"], ram["available"])]
    return found | {"driver": nvidia["driver"], "error": error, "accelerators": accelerators}


def without_drivers(root: Path = Path("/")) -> dict[str, Any]:
    """The parts that any process can read without the risk of a hang."""
    return {
        "os": SYSTEMS.get(platform.system(), "linux"),
        "memory": memory.read_memory(root),
        "driver": None,
        "error": None,
        "accelerators": [],
    }


def nvidia_present(root: Path) -> bool:
    """Whether an NVIDIA display controller is on the PCI bus."""
    for device in (root / "sys/bus/pci/devices").glob("*"):
        if memory.text(device / "vendor") == "0x10de" and memory.text(device / "class").startswith("0x03"):
            return True
    return False


if __name__ == "__main__":
    json.dump(read_host(), sys.stdout)
