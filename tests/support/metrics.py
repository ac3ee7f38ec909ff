"""The figures of /metrics by name, and a host with a reading and a reservation to report."""

from __future__ import annotations

from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from advisor.models import Launch
from hardware import ledger, probe
from hardware.models import Accelerator
from hardware.snapshots import record, this_host

GIB = 1 << 30


def read_metrics(client: Client) -> dict[str, float]:
    """Values by name and labels, such as `berth_launches{status=ready}`."""
    answer = client.get("/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.4"})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for name, labels, value, *_ in family.samples:
            told = ",".join(f"{key}={labels[key]}" for key in sorted(labels))
            key = f"{name}{{{told}}}" if told else name
            assert key not in found
            found[key] = value
    return found


def busy_machine() -> None:
    """This host, read just now, with 4 GiB reserved for a launch that is ready."""
    host = this_host()
    record(host, timezone.now(), probe.without_drivers())
    launch = Launch.objects.create(
        host=host, model="m", build="b", engine="llama.cpp", alias="a", settings={}, status="ready"
    )
    Accelerator.objects.filter(uuid=ledger.RAM).update(capacity_bytes=16 * GIB)
    ledger.reserve(launch.pk, host.pk, {ledger.RAM: 4 * GIB})
