"""What is counted, over several processes, and how the state of rows and broker reads."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from advisor.models import Launch
from config.embedded import free_port
from tests.plugin.berth import ROOT
from tests.support.metrics import GIB, busy_machine, read_metrics

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine() -> None:
    busy_machine()


@pytest.mark.usefixtures("machine")
def test_the_state_is_that_of_the_rows_and_the_broker(client: Client) -> None:
    found = read_metrics(client)
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
    assert 299 < read_metrics(client)["berth_launch_queued_seconds"] < 360


def test_requests_and_answers_are_counted_by_route(client: Client) -> None:
    before = read_metrics(client)
    for path in ("models/nothing-like-it/", "recommendations/?gpu=Foo+9000", "recommendations/?hw=RTX+4090"):
        client.get(f"/api/v1/{path}")
    client.get("/healthz")
    client.get("/nowhere/")
    after = read_metrics(client)
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
    assert read_metrics(client)["berth_broker_up"] == 0


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
    environment = os.environ | {"BERTH_DATA": str(tmp_path), "DATABASE_URL": "", "WEB_WORKERS": "2"}

    def served() -> float:
        return float(subprocess.check_output([sys.executable, "-c", SERVE], cwd=ROOT, env=environment, text=True))

    try:
        assert (served(), served()) == (5, 10)
    finally:
        name = hashlib.sha256(os.fsencode(tmp_path)).hexdigest()[:16]
        shutil.rmtree(f"/dev/shm/berth-{name}", ignore_errors=True)
