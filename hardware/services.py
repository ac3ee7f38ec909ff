"""Snapshots of hosts: take, keep, and turn the newest good one into the document that the advisor plans on."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from hardware import child, probe
from hardware.enrich import described
from hardware.models import Accelerator, Host, Snapshot
from hardware.stated import HardwareError, stated

__all__ = [
    "HardwareError",
    "documents",
    "host_document",
    "is_here",
    "record",
    "refresh",
    "stale_seconds",
    "stated",
    "this_host",
]

RAM = "ram"  # uuid of the row that stands for the host's memory
KEEP_GOOD = timedelta(days=1)
KEEP_ROWS = 500


def stale_seconds() -> int:
    """After this age a snapshot is stale: shown as such, and not launched on."""
    return int(settings.SNAPSHOT_STALE_SECONDS)


def this_host() -> Host:
    """The row of the machine that this process runs on."""
    named = {"name": socket.gethostname(), "queue": settings.HOST_QUEUE}
    return Host.objects.get_or_create(id=settings.HOST_ID, defaults=named)[0]


def is_here(host_id: str | None) -> bool:
    """ "local" is this machine, whatever its settings call it."""
    return host_id in ("local", settings.HOST_ID)


def refresh() -> Snapshot:
    """Probe this machine now and store what came of it; a failed probe is a row too."""
    host = this_host()
    taken = timezone.now()
    try:
        data = child.run()
    except child.ProbeFailure as failure:
        return record(host, taken, None, failure.code, str(failure))
    return record(host, taken, data)


@transaction.atomic
def record(host: Host, taken: datetime, data: dict[str, Any] | None, error: str = "", message: str = "") -> Snapshot:
    """Store one reading, and let the accelerator rows follow when it is good."""
    if data and data["error"]:
        error, message = data["error"]["code"], data["error"]["message"]
    # Without any driver the rest of the machine was read well: the reading is good and its note is kept.
    ok = data is not None and (not error or error in ("library_missing", "driver_not_loaded"))
    snapshot = Snapshot.objects.create(host=host, taken=taken, ok=ok, error=error, message=message, data=data)
    if ok and data:
        follow(host, data)
    prune(host)
    return snapshot


def follow(host: Host, data: dict[str, Any]) -> None:
    """Accelerator rows by UUID, in a fixed order so that two snapshots at once cannot lock each other out.

    A capacity never drops below what is promised: the promise is honoured first, the next plan sees the new figure.
    """
    found = {RAM: ("Host memory", "memory", data["memory"]["total"])}
    for device in data["accelerators"]:
        if device["uuid"] and device["name"] and device["memory_total"] and not device["error"]:
            found[device["uuid"]] = (device["name"], device["kind"], device["memory_total"])
    for uuid, (name, kind, capacity) in sorted(found.items()):
        row, new = Accelerator.objects.get_or_create(
            host=host, uuid=uuid, defaults={"name": name, "kind": kind, "capacity_bytes": capacity}
        )
        if not new:
            Accelerator.objects.filter(pk=row.pk).update(
                name=name, kind=kind, present=True, capacity_bytes=Greatest(capacity, F("reserved_bytes"))
            )
    host.accelerators.exclude(uuid__in=found).update(present=False)


def prune(host: Host) -> None:
    """Keep a day, at most KEEP_ROWS, and always the newest good snapshot."""
    good = host.snapshots.filter(ok=True).first()
    kept = host.snapshots.values_list("pk", flat=True)[:KEEP_ROWS]
    old = host.snapshots.filter(taken__lt=timezone.now() - KEEP_GOOD) | host.snapshots.exclude(pk__in=list(kept))
    (old.exclude(pk=good.pk) if good else old).delete()


def newest_and_good(host: Host) -> tuple[Snapshot | None, Snapshot | None]:
    """The newest reading, and the newest that holds: a failed one with data (RAM, no GPU) only when no good one is."""
    good = host.snapshots.filter(ok=True).first() or host.snapshots.filter(data__isnull=False).first()
    return host.snapshots.first(), good


def snapshot_of(host: Host) -> dict[str, Any] | None:
    """When the host was last read well, and what the newest attempt said; None before the first."""
    newest, good = newest_and_good(host)
    return freshness(newest, good or newest) if newest else None


def stamp(moment: datetime) -> str:
    """RFC 3339, in UTC as all times here are."""
    return moment.isoformat().replace("+00:00", "Z")


def freshness(newest: Snapshot, good: Snapshot) -> dict[str, Any]:
    age = max((timezone.now() - good.taken).total_seconds(), 0.0)
    return {
        "id": good.pk,
        "taken": stamp(good.taken),
        "age_seconds": round(age, 1),
        "stale": age > stale_seconds() or not newest.ok,
        "ok": newest.ok,
        "error": newest.error or None,
        "message": newest.message or None,
    }


def host_document(host_id: str = "local") -> dict[str, Any]:
    """The host document of the newest good snapshot, minus what is reserved. Raises HardwareError (422).

    `free_bytes` is the lesser of what the driver says is free and capacity minus reservations; a unified device's
    comes out of the host's memory. `snapshot.stale` also holds when a later probe failed.
    """
    here = is_here(host_id)
    host_id = settings.HOST_ID if here else host_id
    if here and not Snapshot.objects.filter(host_id=host_id).exists():
        refresh()
    host = Host.objects.filter(pk=host_id).first()
    if not host:
        raise HardwareError([{"field": "hardware.host", "message": f"There is no host {host_id!r}."}])
    newest, good = newest_and_good(host)
    if newest and not good and here:
        # The probe never came back; RAM can be read without any driver.
        good = Snapshot(host=host, taken=timezone.now(), ok=False, data=probe.without_drivers())
    if not newest or not good:
        told = newest.message if newest else f"Host {host_id!r} has sent no snapshot yet."
        raise HardwareError([{"field": "hardware.host", "message": told}])
    return document(host, newest, good)


def inventory(host: Host) -> dict[str, Any]:
    """The host document, with nulls where nothing was read yet: who looks at a host is told so and not refused."""
    try:
        return host_document(host.pk)
    except HardwareError as error:
        unread = ("ram_bytes", "ram_available_bytes", "ram_bandwidth", "cpu_cores", "cpu_name", "os")
        nothing = dict.fromkeys(unread) | {"accelerators": [], "ram_reserved_bytes": 0}
        return {"host": host.pk, **nothing, "snapshot": snapshot_of(host), "warnings": [str(error)]}


def documents() -> tuple[list[tuple[Host, dict[str, Any]]], list[tuple[Host, str]]]:
    """Every host with its document, and those of which nothing is known with the sentence that says why."""
    read, silent = [], []
    for host in Host.objects.all():
        try:
            read.append((host, host_document(host.pk)))
        except HardwareError as error:
            silent.append((host, str(error)))
    return read, silent


def document(host: Host, newest: Snapshot, good: Snapshot) -> dict[str, Any]:
    """One reading and the reservations of the moment, as the advisor plans on them."""
    data: dict[str, Any] = good.data or {}
    rows = {row.uuid: row for row in host.accelerators.all()}
    memory = data["memory"]
    reserved = rows[RAM].reserved_bytes if RAM in rows else 0
    available = max(min(memory["available"], memory["total"] - reserved), 0)
    ram = {"total": memory["total"], "reserved": reserved, "available": available}
    devices = [described(d, rows.get(d["uuid"]), ram) for d in data["accelerators"]]
    usable = [d for d in devices if d]
    return {
        "host": host.pk,
        "accelerators": usable,
        "ram_bytes": memory["total"],
        "ram_available_bytes": available,
        "ram_reserved_bytes": reserved,
        "ram_bandwidth": next((d["memory_bandwidth"] for d in usable if d["unified"]), None),
        "cpu_cores": memory["cpu_cores"],
        "cpu_name": memory.get("cpu_name"),
        "os": data["os"],
        "snapshot": freshness(newest, good),
        "warnings": [told for told in [newest.message, *device_warnings(data)] if told],
    }


def device_warnings(data: dict[str, Any]) -> list[str]:
    failed = [d for d in data["accelerators"] if d["error"]]
    return [f"{d['name'] or 'GPU ' + str(d.get('index'))} is left out: {d['error']['message']}" for d in failed]
