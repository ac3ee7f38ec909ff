from __future__ import annotations

import pytest

from advisor.launch import engine_health, serving
from advisor.launch.reconciler import reconcile
from tests.support.launches import Enqueue, Fake, until


def test_what_is_measured_follows_the_most_that_was_held(
    fake: Fake, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "LOOK_AGAIN", 0)
    fake("--grow", "30000000")
    launch = until(enqueue(), "ready")
    first = launch.measured["total_bytes"]
    engine_health.get_json(launch.port, "/grow")
    reconcile(launch.host_id)
    launch.refresh_from_db()
    assert launch.measured["total_bytes"] > first + 25_000_000
    assert launch.measured["total_bytes"] == launch.measured["host"]["total"]
    engine_health.get_json(launch.port, "/shrink")
    reconcile(launch.host_id)
    launch.refresh_from_db()
    assert launch.measured["total_bytes"] > first + 25_000_000
