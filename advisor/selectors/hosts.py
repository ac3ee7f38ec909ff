"""Turns host documents and reference cards into the fit's dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from advisor.fit.allowances import DEVICE_MARGIN, HOST_MARGIN, OS_RESERVE, kept
from advisor.fit.ranking.rejections import reference_device
from advisor.fit.spec import (
    Device,
    HostSpec,
    Plan,
)
from hardware import reference
from hardware.hosts import host_document
from hardware.shapes import HostAccelerator, HostDocument


@cache
def reference_gpus() -> tuple[Device, ...]:
    """The cards that a fix may suggest: discrete, not for laptops, each size once."""
    return tuple(
        reference_device(
            Device(
                name=spec.name,
                memory_bytes=spec.memory_bytes,
                available_bytes=spec.memory_bytes,
                memory_bandwidth=spec.memory_bandwidth,
                flops_fp16=spec.flops_fp16,
                vendor=spec.vendor,
                compute_capability=spec.compute_capability,
            )
        )
        for spec in reference.specs()
        if not spec.unified and "laptop" not in spec.name.lower()
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """A machine as read or stated, and as the fit sees it."""

    document: HostDocument
    host: HostSpec

    @classmethod
    def of(cls, document: HostDocument) -> Reading:
        return cls(document, host_spec(document))

    @property
    def id(self) -> int | None:
        """The snapshot's id; None for a machine that was stated."""
        snapshot = self.document["snapshot"]
        return snapshot["id"] if snapshot else None

    @property
    def host_id(self) -> str | None:
        return self.document["host"]

    def placed(self, plan: Plan) -> LaunchPlace:
        """The place where a plan made on this reading would run."""
        uuids = tuple(str(self.host.devices[index].uuid) for index in plan.devices)
        return LaunchPlace(str(self.host_id), self.id, uuids)


class LaunchPlace(NamedTuple):
    """Where a plan runs: the host, the reading it was planned on, and its accelerators in the plan's order."""

    host: str
    reading: int | None
    uuids: tuple[str, ...]


def read_host(host_id: str) -> Reading:
    """The newest good reading of a host minus reservations. Raises HardwareError."""
    return Reading.of(host_document(host_id))


def host_spec(document: HostDocument) -> HostSpec:
    """A host document as the fit sees it; free memory is min(driver's free, capacity - reserved) - margin."""
    ram, available = document.get("ram_bytes"), None
    entries = document.get("accelerators") or []
    if ram is not None:
        free = document.get("ram_available_bytes")
        unheld = ram - kept(OS_RESERVE, ram) if free is None else free
        available = max(0, min(unheld, ram - (document.get("ram_reserved_bytes") or 0)) - kept(HOST_MARGIN, ram))
    return HostSpec(
        devices=tuple(device(entry, available) for entry in entries),
        ram_bytes=ram,
        ram_available_bytes=available,
        cpu_cores=document.get("cpu_cores"),
        ram_bandwidth=document.get("ram_bandwidth"),
        os=document.get("os") or "linux",
    )


def device(entry: HostAccelerator, ram_available: int | None) -> Device:
    """One accelerator. A unified one's memory_bytes are the share its GPU may hold, all of which is RAM as well."""
    capacity, free, unified = entry["memory_bytes"], entry.get("free_bytes"), bool(entry.get("unified"))
    room = capacity - (entry.get("reserved_bytes") or 0)
    if free is not None:
        room = min(room, free)
    if unified and ram_available is not None:
        room = min(room, ram_available)
    room = max(0, room - kept(DEVICE_MARGIN, capacity))
    return Device(
        name=entry["name"],
        memory_bytes=capacity,
        available_bytes=room,
        memory_bandwidth=entry.get("memory_bandwidth"),
        flops_fp16=entry.get("flops_fp16"),
        uuid=entry.get("uuid"),
        vendor=entry.get("vendor") or "unknown",
        compute_capability=entry.get("compute_capability"),
        unified=unified,
        source=entry.get("source") or "reference",
    )
