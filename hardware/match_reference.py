"""Combines a detected device with the reference facts of its name into one accelerator of the host document."""

from __future__ import annotations

import re
from typing import Any

from hardware import ledger
from hardware.models import Accelerator
from hardware.reference import AmbiguousGpu, GpuSpec, UnknownGpu, lookup
from hardware.shapes import HostAccelerator

MIG_PROFILE = re.compile(r"\b(\d)g\.")
MIG_COMPUTE_SLICES = 7


def described(device: dict[str, Any], row: Accelerator | None, ram: dict[str, int]) -> HostAccelerator | None:
    """One entry of `accelerators`, or None for a device that failed or lacks a uuid, name or size.

    `ram` has the host's "total", "reserved" and "available" bytes, which a unified device shares.
    """
    if device["error"] or not (device["uuid"] and device["name"] and device["memory_total"]):
        return None
    parent = device.get("parent")
    unified = device["kind"] == "unified"
    capacity = device["memory_total"]
    reserved = ram["reserved"] if unified else row.reserved_bytes if row else 0
    free = device["memory_free"] or 0
    free = min(free, ram["available"]) if unified else ledger.left(row, free) if row else free
    size = None if parent else ram["total"] if unified else capacity
    spec = reference(parent or device["name"], size)
    share, compute = slice_of(device, spec)
    bandwidth = spec.memory_bandwidth if spec else device.get("memory_bandwidth")
    flops = spec.flops_fp16 if spec else None
    return {
        "name": device["name"],
        "uuid": device["uuid"],
        "memory_bytes": capacity,
        "free_bytes": max(free, 0),
        "reserved_bytes": reserved,
        "memory_bandwidth": round(bandwidth * share) if bandwidth else None,
        "flops_fp16": round(flops * compute) if flops else None,
        "compute_capability": device.get("compute_capability") or (spec.compute_capability if spec else None),
        "unified": unified,
        "vendor": device["vendor"],
        "source": "detected",
    }


def reference(name: str, capacity: int | None) -> GpuSpec | None:
    """The facts of a detected card, or None where its name is unknown or fits several cards."""
    try:
        return lookup(name, capacity)
    except (UnknownGpu, AmbiguousGpu):
        return None


def slice_of(device: dict[str, Any], spec: GpuSpec | None) -> tuple[float, float]:
    """A MIG slice's share of its parent's bandwidth (equal to its share of memory) and compute ("3g" is 3 of 7)."""
    if device["kind"] != "mig":
        return 1.0, 1.0
    profile = MIG_PROFILE.search(device["name"])
    memory = min(device["memory_total"] / spec.nominal_bytes, 1.0) if spec else 1.0
    return memory, int(profile[1]) / MIG_COMPUTE_SLICES if profile else memory
