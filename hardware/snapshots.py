"""Snapshots of this machine: probing, storing, updating the accelerator rows, pruning."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from hardware import ledger, probe_child
from hardware.clock import uptime
from hardware.models import Accelerator, Host, Snapshot
from hardware.processes import boot_id
from hardware.shapes import Freshness

RAM = "ram"  # uuid of the row that represents the host's memory
KEEP_GOOD = timedelta(days=1)
KEEP_ROWS = 500
AHEAD = 5.0  # seconds that a host's clock may be ahead of ours


def stale_seconds() -> int:
    """The age at which a snapshot is stale: shown as such, and no launch is planned on it."""
    return int(settings.SNAPSHOT_STALE_SECONDS)


def this_host() -> Host:
    """The row of the machine that this process runs on, created if missing."""
    named = {"name": socket.gethostname(), "queue": settings.HOST_QUEUE}
    return Host.objects.get_or_create(id=settings.HOST_ID, defaults=named)[0]


def refresh() -> Snapshot:
    """Probe this machine now and store the outcome; a failed probe is stored too."""
    host = this_host()
    taken, began = timezone.now(), uptime()
    try:
        data = probe_child.run()
    except probe_child.ProbeFailure as failure:
        return record(host, taken, None, failure.code, str(failure))
    return record(host, taken, data, began=began)


@transaction.atomic
def record(
    host: Host,
    taken: datetime,
    data: dict[str, Any] | None,
    error: str = "",
    message: str = "",
    *,
    began: float | None = None,
) -> Snapshot:
    """Store one reading, and update the accelerator rows when it is good. `began`: as for `ledger.read`."""
    if data and data["error"]:
        error, message = data["error"]["code"], data["error"]["message"]
    # Without a GPU driver the rest of the machine was still read: the reading is good and keeps the error as a note.
    ok = data is not None and (not error or error in ("library_missing", "driver_not_loaded"))
    snapshot = Snapshot.objects.create(host=host, taken=taken, ok=ok, error=error, message=message, data=data)
    if ok and data:
        follow(host, data, began)
    prune(host)
    return snapshot


def follow(host: Host, data: dict[str, Any], began: float | None = None) -> None:
    """Upsert accelerator rows by UUID, in a fixed order so that two concurrent snapshots cannot deadlock.

    A capacity never drops below what is reserved: existing reservations are honoured, the next plan sees the new
    figure.
    """
    found = {RAM: ("Host memory", "memory", data["memory"]["total"])}
    free = {RAM: data["memory"]["available"]}
    for device in data["accelerators"]:
        if device["uuid"] and device["name"] and device["memory_total"] and not device["error"]:
            found[device["uuid"]] = (device["name"], device["kind"], device["memory_total"])
            free[device["uuid"]] = device["memory_free"]
    for uuid, (name, kind, capacity) in sorted(found.items()):
        row, new = Accelerator.objects.get_or_create(
            host=host, uuid=uuid, defaults={"name": name, "kind": kind, "capacity_bytes": capacity}
        )
        if not new:
            Accelerator.objects.filter(pk=row.pk).update(
                name=name, kind=kind, present=True, capacity_bytes=Greatest(capacity, F("reserved_bytes"))
            )
    host.accelerators.exclude(uuid__in=found).update(present=False)
    ledger.read(host.pk, free, began, boot_id() if began is not None else "")


def prune(host: Host) -> None:
    """Keep one day, at most KEEP_ROWS, and always the newest good snapshot."""
    good = host.snapshots.filter(ok=True).first()
    kept = host.snapshots.values_list("pk", flat=True)[:KEEP_ROWS]
    old = host.snapshots.filter(taken__lt=timezone.now() - KEEP_GOOD) | host.snapshots.exclude(pk__in=list(kept))
    (old.exclude(pk=good.pk) if good else old).delete()


def newest_and_good(host: Host) -> tuple[Snapshot | None, Snapshot | None]:
    """The newest reading and the newest usable one.

    A failed reading with data (RAM, no GPU) is usable only if there is no good one.
    """
    good = host.snapshots.filter(ok=True).first() or host.snapshots.filter(data__isnull=False).first()
    return host.snapshots.first(), good


def newest_reading(host_id: str) -> int | None:
    """Id of the reading that plans for a host are currently based on."""
    good = newest_and_good(Host(pk=host_id))[1]
    return good.pk if good else None


def snapshot_of(host: Host) -> Freshness | None:
    """When the host was last read well, and the outcome of the newest attempt; None before the first."""
    newest, good = newest_and_good(host)
    return freshness(newest, good or newest) if newest else None


def stamp(moment: datetime) -> str:
    """An RFC 3339 timestamp; all times here are UTC."""
    return moment.isoformat().replace("+00:00", "Z")


def freshness(newest: Snapshot, good: Snapshot) -> Freshness:
    age = (timezone.now() - good.taken).total_seconds()
    set_back = "This machine's clock was set back after the reading: how old it is shows with the next one."
    return {
        "id": good.pk,
        "taken": stamp(good.taken),
        "age_seconds": round(max(age, 0.0), 1),
        # A reading from the future was taken before the clock was set back: nobody knows how old it is.
        "stale": not -AHEAD <= age <= stale_seconds() or not newest.ok,
        "ok": newest.ok,
        "error": newest.error or None,
        "message": newest.message or (set_back if age < -AHEAD else None),
    }
