"""Dashboard and alerts name nothing that is not there."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from django.test import Client

from tests.plugin.berth import ROOT
from tests.support.metrics import busy_machine, read_metrics

pytestmark = pytest.mark.django_db
DEPLOY = ROOT / "deploy"
ALERTS = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
BOARD = json.loads((DEPLOY / "grafana" / "berth.json").read_text())


@pytest.fixture
def machine() -> None:
    busy_machine()


def expressions() -> dict[str, str]:
    rules = {rule["alert"]: rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]}
    panels = {f"{p['title']} {t['refId']}": t["expr"] for p in BOARD["panels"] for t in p["targets"]}
    return rules | panels


@pytest.mark.usefixtures("machine")
def test_every_figure_and_label_that_dashboard_and_alerts_name_is_there(client: Client) -> None:
    client.get("/api/v1/recommendations/?hw=RTX+4090")
    found = read_metrics(client)
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
