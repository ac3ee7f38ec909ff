"""Host documents for planning: the newest good reading minus reservations."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone

from hardware import ledger, probe
from hardware.match_reference import described
from hardware.models import Host, Snapshot
from hardware.shapes import HostDocument
from hardware.snapshots import RAM, freshness, newest_and_good, refresh, snapshot_of
from hardware.stated import HardwareError


def is_here(host_id: str | None) -> bool:
    """Whether a host id means this machine; "local" always does, whatever the settings call it."""
    return host_id in ("local", settings.HOST_ID)


def host_id(name: str) -> str:
    """The host id behind a name in a request."""
    return settings.HOST_ID if is_here(name) else name


def host_document(name: str = "local") -> HostDocument:
    """The host document of the newest good snapshot, minus reservations. Raises HardwareError (422).

    `free_bytes` is what the driver reports free less what is promised and not loaded yet; for a unified device it comes
    out of the host's memory. `snapshot.stale` is also true when a later probe failed.
    """
    here, key = is_here(name), host_id(name)
    if here and not Snapshot.objects.filter(host_id=key).exists():
        refresh()
    host = Host.objects.filter(pk=key).first()
    if not host:
        raise HardwareError([{"field": "hardware.host", "message": f"There is no host {key!r}."}])
    newest, good = newest_and_good(host)
    if newest and not good and here:
        # No probe has ever come back; RAM can be read without any driver.
        good = Snapshot(host=host, taken=timezone.now(), ok=False, data=probe.without_drivers())
    if not newest or not good:
        told = newest.message if newest else f"Host {key!r} has sent no snapshot yet."
        raise HardwareError([{"field": "hardware.host", "message": told}])
    return document(host, newest, good)


def inventory(host: Host) -> HostDocument:
    """The host document for display: where a host was never read, nulls and the reason instead of an error."""
    try:
        return host_document(host.pk)
    except HardwareError as error:
        return {
            "host": host.pk,
            "accelerators": [],
            "ram_bytes": None,
            "ram_available_bytes": None,
            "ram_reserved_bytes": 0,
            "ram_bandwidth": None,
            "cpu_cores": None,
            "cpu_name": None,
            "os": None,
            "snapshot": snapshot_of(host),
            "warnings": [str(error)],
        }


def documents() -> tuple[list[tuple[Host, HostDocument]], list[tuple[Host, str]]]:
    """Every host with its document, and every host that cannot be planned on with the sentence that says why."""
    read, silent = [], []
    for host in Host.objects.all():
        try:
            read.append((host, host_document(host.pk)))
        except HardwareError as error:
            silent.append((host, str(error)))
    return read, silent


def document(host: Host, newest: Snapshot, good: Snapshot) -> HostDocument:
    """The host document of one reading and the current reservations."""
    data: dict[str, Any] = good.data or {}
    rows = {row.uuid: row for row in host.accelerators.all()}
    memory = data["memory"]
    reserved = rows[RAM].reserved_bytes if RAM in rows else 0
    available = ledger.left(rows[RAM], memory["available"]) if RAM in rows else memory["available"]
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
