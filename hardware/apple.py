"""Apple silicon probe: chip name, GPU cores and how much RAM Metal may use. Same dicts as NVML's."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Callable
from typing import Any

from hardware.reference import metal_limit

MIB = 1024**2


def ask(*command: str) -> str:
    """The output of a system tool, empty when it fails or is missing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def read_apple(total: int, available: int, ask: Callable[..., str] = ask) -> list[dict[str, Any]]:
    """The GPU of an Apple chip with `total` and `available` bytes of RAM, as a list; empty on any other machine."""
    if platform.system() != "Darwin" or platform.machine() != "arm64":
        return []
    chip = ask("/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string")
    cores = re.search(r'"gpu-core-count"\s*=\s*(\d+)', ask("/usr/sbin/ioreg", "-rc", "AGXAccelerator", "-d1"))
    raised = ask("/usr/sbin/sysctl", "-n", "iogpu.wired_limit_mb")
    limit = int(raised) * MIB if raised.isdigit() and int(raised) else metal_limit(total)
    return [
        {
            "vendor": "apple",
            "kind": "unified",
            "index": 0,
            "uuid": "Metal-0",
            "name": f"{chip} ({cores[1]}-core GPU)" if cores else chip or None,
            "memory_total": min(limit, total),
            "memory_free": min(limit, available),
            "error": None,
        }
    ]
