"""Prometheus metrics: request counts of the web processes, and the state of launches, hosts and queues.

With several web processes the counts are in files that all of them share (`config/wsgi.py` sets the folder).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DatabaseError
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from redis import Redis, RedisError

from advisor.fit.spec import FIT_VERSION
from advisor.models import Launch
from advisor.monitoring.answer_counts import ANSWERS
from catalog import version
from catalog.models import Model
from hardware.models import Accelerator, Host
from hardware.snapshots import snapshot_of

# Decided by the library when it was imported.
SHARED = values.ValueClass is not values.MutexValue
KNOWN = frozenset(("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"))
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

REQUESTS = Counter("berth_http_requests", "Requests.", ("method", "route", "status"))
LATENCY = Histogram("berth_http_request_seconds", "Time to an answer.", ("method", "route"), buckets=SECONDS)


def measure(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: counts requests by route pattern, so that no URL makes a series of its own."""
    if not settings.METRICS:
        raise MiddlewareNotUsed

    def middleware(request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        response = get_response(request)
        found = request.resolver_match
        route = f"/{found.route}" if found else "(no route)"
        method = request.method if request.method and request.method in KNOWN else "other"
        requests, latency = series(method, route, response.status_code)
        requests.inc()
        latency.observe(time.perf_counter() - begun)
        return response

    return middleware


@lru_cache(1024)
def series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Cached, because looking up a series by its labels takes longer than counting."""
    return REQUESTS.labels(method, route, status), LATENCY.labels(method, route)


def gauge(name: str, told: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"berth_{name}", told, labels=labels)


class State(Collector):
    """Gauges read from the database and the broker at each scrape."""

    def collect(self) -> Iterator[Metric]:
        up = gauge("database_up", "Whether the database answers.")
        queues: list[str] = []
        try:
            queues = list(Host.objects.values_list("queue", flat=True))
            rows = [*launches(), *hosts(), *ledger(), *catalog()]
        except DatabaseError:
            rows = []
        up.add_metric((), float(bool(rows)))
        yield up
        yield from rows
        yield from broker(queues)


def launches() -> Iterator[Metric]:
    counted = dict(Launch.objects.order_by().values_list("status").annotate(n=Count("pk")))
    found = gauge("launches", "Launches by state.", "status")
    for status in Launch.Status.values:
        found.add_metric((status,), counted.get(status, 0))
    yield found
    oldest = Launch.objects.filter(status=Launch.Status.QUEUED).aggregate(at=Min("created"))["at"]
    waiting = gauge("launch_queued_seconds", "How long the oldest queued launch has waited.")
    waiting.add_metric((), (timezone.now() - oldest).total_seconds() if oldest else 0)
    yield waiting


def hosts() -> Iterator[Metric]:
    age = gauge("snapshot_age_seconds", "Age of a host's newest good reading.", "host")
    ok = gauge("snapshot_ok", "Whether the newest attempt to read the host succeeded.", "host")
    for host in Host.objects.all():
        if known := snapshot_of(host):
            age.add_metric((host.pk,), known["age_seconds"])
            ok.add_metric((host.pk,), float(known["ok"]))
    yield from (age, ok)


def ledger() -> Iterator[Metric]:
    labels = ("host", "accelerator", "name")
    capacity = gauge("accelerator_capacity_bytes", "Memory of an accelerator, or of the host (ram).", *labels)
    reserved = gauge("accelerator_reserved_bytes", "Memory that launches have been promised.", *labels)
    for row in Accelerator.objects.filter(present=True):
        capacity.add_metric((row.host_id, row.uuid, row.name), row.capacity_bytes)
        reserved.add_metric((row.host_id, row.uuid, row.name), row.reserved_bytes)
    yield from (capacity, reserved)


def catalog() -> Iterator[Metric]:
    models = gauge("catalog_models", "Models of the catalog.")
    models.add_metric((), Model.objects.count())
    yield models
    info = gauge("info", "What answers.", "fit_version", "catalog_version")
    info.add_metric((FIT_VERSION, version.current()), 1)
    yield info


def broker(queues: list[str]) -> Iterator[Metric]:
    up = gauge("broker_up", "Whether the broker answers.")
    length = gauge("queue_messages", "Messages that wait for a host's worker.", "queue")
    try:
        with Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=1, socket_connect_timeout=1) as link:
            link.ping()
            for queue in queues:
                length.add_metric((queue,), link.llen(queue))
        up.add_metric((), 1)
    except (RedisError, OSError):
        up.add_metric((), 0)
    yield from (up, length)


def metrics_text() -> bytes:
    """All metrics in the Prometheus text format."""
    counts = CollectorRegistry()
    if SHARED:
        MultiProcessCollector(counts)
    else:
        for counted in (REQUESTS, LATENCY, ANSWERS):
            counts.register(counted)
    state = CollectorRegistry()
    state.register(State())
    return generate_latest(counts) + generate_latest(state)
