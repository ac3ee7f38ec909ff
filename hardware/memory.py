"""RAM and cores available to this process: the machine's, within cgroup limits and the affinity mask."""

from __future__ import annotations

import math
import os
import platform
from pathlib import Path
from typing import Any

import psutil

UNLIMITED_V1 = 1 << 60  # cgroup v1 writes "no limit" as a huge number of whole pages


def read_memory(root: Path = Path("/")) -> dict[str, Any]:
    """`{"total", "available", "limited", "cpu_cores", "cpu_name"}`: bytes under the tightest limit, usable cores.

    `root` is prepended to /proc and /sys.
    """
    total, available = machine(root)
    limited = False
    for limit, used in memory_limits(root):
        limited = limited or limit < total
        total, available = min(total, limit), min(available, max(limit - used, 0))
    return {
        "total": total,
        "available": min(available, total),
        "limited": limited,
        "cpu_cores": cores(root),
        "cpu_name": cpu_name(root),
    }


def machine(root: Path) -> tuple[int, int]:
    """Total and available bytes of the whole machine."""
    found = fields(root / "proc/meminfo")
    if "MemTotal:" in found and "MemAvailable:" in found:
        return found["MemTotal:"] * 1024, found["MemAvailable:"] * 1024
    memory = psutil.virtual_memory()
    return int(memory.total), int(memory.available)


def fields(path: Path) -> dict[str, int]:
    """First word -> second word of each line whose second word is a number."""
    parts = [line.split() for line in text(path).splitlines()]
    return {p[0]: int(p[1]) for p in parts if len(p) > 1 and p[1].isdigit()}


def text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def number(path: Path) -> int | None:
    found = text(path)
    return int(found) if found.isdigit() else None


def groups(root: Path, controller: str) -> list[Path]:
    """The cgroup directories of this process, from its own up to the root, for a v1 controller or ("") for v2."""
    base = root / "sys/fs/cgroup" / controller
    for line in text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            own = base / path.lstrip("/")
            # In a container the path may be the host's; then only the mounted root exists.
            return [folder for folder in (own, *own.parents) if folder.is_relative_to(base) and folder.is_dir()]
    return []


def memory_limits(root: Path) -> list[tuple[int, int]]:
    """(limit, bytes counted against it) of each cgroup; reclaimable file cache is not counted."""
    found = []
    for folder in groups(root, ""):
        limit, used = number(folder / "memory.max"), number(folder / "memory.current")
        if limit is not None and used is not None:
            found.append((limit, max(used - fields(folder / "memory.stat").get("inactive_file", 0), 0)))
    for folder in groups(root, "memory"):
        limit, used = number(folder / "memory.limit_in_bytes"), number(folder / "memory.usage_in_bytes")
        if limit is not None and used is not None and limit < UNLIMITED_V1:
            found.append((limit, max(used - fields(folder / "memory.stat").get("total_inactive_file", 0), 0)))
    return found


def cores(root: Path) -> int:
    """Physical cores within affinity mask and quota; hyper-threads do not speed up memory-bound work."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limits = [usable, psutil.cpu_count(logical=False) or usable]
    for folder in groups(root, ""):
        quota, _, period = text(folder / "cpu.max").partition(" ")
        if quota.isdigit() and period.isdigit():
            limits.append(math.ceil(int(quota) / int(period)))
    for folder in groups(root, "cpu"):
        quota_us, period_us = number(folder / "cpu.cfs_quota_us"), number(folder / "cpu.cfs_period_us")
        if quota_us and period_us:
            limits.append(math.ceil(quota_us / period_us))
    return max(min(limits), 1)


def cpu_name(root: Path) -> str | None:
    for line in text(root / "proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            return value.strip() or None
    return platform.processor() or None
