"""What /metrics says, to whom, over several processes; and that dashboard and alerts name nothing that is not there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from advisor.models import Launch
from config.embedded import free_port
from hardware import ledger, probe
from hardware.models import Accelerator
from hardware.snapshots import record, this_host
from tests.plugin.berth import ROOT

pytestmark = pytest.mark.django_db
DEPLOY = ROOT / "deploy"
ALERTS = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
BOARD = json.loads((DEPLOY / "grafana" / "berth.json").read_text())
GIB = 1 << 30


def read(client: Client) -> dict[str, float]:
    """Value by name and labels, such as `berth_launches{status=ready}`."""
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


@pytest.fixture
def machine() -> None:
    """This host, read just now, with 4 GiB of its memory promised to a launch that is ready."""
    host = this_host()
    record(host, timezone.now(), probe.without_drivers())
    launch = Launch.objects.create(
        host=host, model="m", build="b", engine="llama.cpp", alias="a", settings={}, status="ready"
    )
    Accelerator.objects.filter(uuid=ledger.RAM).update(capacity_bytes=16 * GIB)
    ledger.reserve(launch.pk, host.pk, {ledger.RAM: 4 * GIB})


@pytest.mark.usefixtures("machine")
def test_the_state_is_that_of_the_rows_and_the_broker(client: Client) -> None:
    found = read(client)
    ram = "{accelerator=ram,host=local,name=Host memory}"
    assert found["berth_launches{status=ready}"] == 1
    assert found["berth_launches{status=failed}"] == 0
    assert 0 <= found["berth_snapshot_age_seconds{host=local}"] < 60
    assert found["berth_snapshot_ok{host=local}"] == 1
    assert found[f"berth_accelerator_reserved_bytes{ram}"] == 4 * GIB
    assert found[f"berth_accelerator_capacity_bytes{ram}"] == 16 * GIB
    assert found["berth_queue_messages{queue=host.local}"] >= 0
    assert found["berth_broker_up"] == found["berth_database_up"] == 1
    assert found["berth_launch_queued_seconds"] == 0
    Launch.objects.update(status="queued", created=timezone.now() - timedelta(minutes=5))
    assert 299 < read(client)["berth_launch_queued_seconds"] < 360


def test_requests_and_answers_are_counted_by_route(client: Client) -> None:
    before = read(client)
    for path in ("models/nothing-like-it/", "recommendations/?gpu=Foo+9000", "recommendations/?hw=RTX+4090"):
        client.get(f"/api/v1/{path}")
    client.get("/healthz")
    client.get("/nowhere/")
    after = read(client)
    grown = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
    one = "berth_http_requests_total{method=GET,route=%s,status=%d}"
    assert grown[one % ("/healthz", 200)] == 1
    assert grown[one % ("/api/v1/models/(?P<slug>[a-z0-9][a-z0-9._-]*)/$", 404)] == 1
    assert grown[one % ("(no route)", 404)] == 1
    assert grown["berth_http_request_seconds_count{method=GET,route=/healthz}"] == 1
    assert grown["berth_answers_total{outcome=refused,question=recommendation}"] == 1
    assert grown["berth_answers_total{outcome=nothing fits,question=recommendation}"] == 1
    assert not [key for key in after if "nothing-like-it" in key or "nowhere" in key]


def test_a_broker_that_is_down_is_a_figure(client: Client, settings: LazySettings) -> None:
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    assert read(client)["berth_broker_up"] == 0


def test_it_is_there_for_readers_and_only_where_it_is_wanted(client: Client, settings: LazySettings) -> None:
    settings.ANONYMOUS_ACCESS = False
    assert client.get("/metrics").status_code == 401
    settings.ANONYMOUS_ACCESS, settings.METRICS = True, False
    assert client.get("/metrics").status_code == 404


SERVE = """
import config.wsgi
from django.test import Client
client = Client(SERVER_NAME="localhost")
for _ in range(5): client.get("/healthz")
from advisor.monitoring.metrics import metrics_text
counted = [line for line in metrics_text().decode().splitlines() if "/healthz" in line and "requests_total" in line]
print(counted[0].rpartition(" ")[2])
"""


def test_web_processes_count_together(tmp_path: Path) -> None:
    environment = os.environ | {"BERTH_DATA": str(tmp_path), "DATABASE_URL": ""}

    def served() -> float:
        return float(subprocess.check_output([sys.executable, "-c", SERVE], cwd=ROOT, env=environment, text=True))

    assert (served(), served()) == (5, 10)


# ---------------------------------------------------------------- dashboard and alerts


def expressions() -> dict[str, str]:
    rules = {rule["alert"]: rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]}
    panels = {f"{p['title']} {t['refId']}": t["expr"] for p in BOARD["panels"] for t in p["targets"]}
    return rules | panels


@pytest.mark.usefixtures("machine")
def test_every_figure_and_label_that_dashboard_and_alerts_name_is_there(client: Client) -> None:
    client.get("/api/v1/recommendations/?hw=RTX+4090")
    found = read(client)
    labels: dict[str, set[str]] = {key.partition("{")[0]: set() for key in found}
    for key in found:
        labels[key.partition("{")[0]] |= set(re.findall(r"[{,](\w+)=", key))
    shown = set()
    for title, expression in expressions().items():
        used = re.findall(r"\b(berth_\w+)(?:\{([^}]*)\})?", expression)
        assert used or expression.startswith("up{"), title
        for name, matchers in used:
            assert name in labels, (title, name)
            assert set(re.findall(r"(\w+)[=!]", matchers)) <= labels[name], (title, matchers)
            shown.add(re.sub("_(sum|count|bucket|total)$", "", name))
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            assert set(re.split(", *", grouped)) <= set().union(*(labels[name] for name, _ in used)), (title, grouped)
        assert all(expression.count(a) == expression.count(b) for a, b in ("()", "{}", "[]")), title
    assert {re.sub("_(sum|count|bucket|total|created)$", "", name) for name in labels} == shown


def test_every_alert_says_what_is_wrong_and_how_bad() -> None:
    for group in ALERTS["groups"]:
        for rule in group["rules"]:
            assert rule["annotations"]["summary"].endswith((".", "?"))
            assert rule["labels"]["severity"] in ("page", "warning", "info")
    scrape = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert scrape["rule_files"] == ["alerts.yml"]
    assert {panel["type"] for panel in BOARD["panels"]} == {"timeseries", "stat", "table"}
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
