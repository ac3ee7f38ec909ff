"""The host document: a machine as it was read or stated, in the shape that the advisor plans on."""

from __future__ import annotations

from typing import Annotated, TypedDict


class HostAccelerator(TypedDict):
    """A GPU, a MIG slice or a unified-memory device; nulls are what is not known of it."""

    name: str
    uuid: str | None  # None: stated, not read
    memory_bytes: int
    free_bytes: int  # what the driver says is free, at most capacity minus reservations
    reserved_bytes: int
    memory_bandwidth: int | None  # bytes per second
    flops_fp16: int | None
    compute_capability: str | None
    unified: bool
    vendor: str | None
    source: str  # detected | reference | stated


class SnapshotSummary(TypedDict):
    """The newest good reading; `ok`, `error` and `message` are of the newest attempt."""

    id: int | None  # None: main memory was read without a driver just now, and nothing was stored
    taken: Annotated[str, {"format": "date-time"}]
    stale: bool
    ok: bool
    error: str | None
    message: str | None


class Freshness(SnapshotSummary):
    """The same with its age, which is another at every look."""

    age_seconds: float


class HostDocument(TypedDict):
    """A machine less what is reserved on it; nulls are what was neither read nor stated."""

    host: str | None  # None: stated
    accelerators: list[HostAccelerator]
    ram_bytes: int | None
    ram_available_bytes: int | None
    ram_reserved_bytes: int
    ram_bandwidth: int | None  # bytes per second
    cpu_cores: int | None
    cpu_name: str | None
    os: str | None
    snapshot: Freshness | None
    warnings: list[str]
