from __future__ import annotations

import logging

import pytest

from advisor.launch.transitions import stop_launch
from rest import logs
from tests.support.launches import Enqueue, Fake, held, until


def test_stopping_is_idempotent_at_every_point(fake: Fake, enqueue: Enqueue) -> None:
    launch = enqueue()
    assert stop_launch(launch.pk).status == "stopped"
    assert held() == 0  # in the same transaction, not at the next look
    assert stop_launch(launch.pk).status == "stopped"
    fake("--slow", "30")
    launch = until(enqueue(), "starting")
    assert stop_launch(launch.pk).status == "stopping"
    assert stop_launch(launch.pk).status == "stopping"
    until(launch, "stopped")
    fake("--crash", "boom")
    launch = until(enqueue(), "failed")
    assert stop_launch(launch.pk).status == "failed"
    assert held() == 0


def test_every_step_is_a_line_with_the_launchs_id(
    fake: Fake, enqueue: Enqueue, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.addFilter(logs.Ids())
    with caplog.at_level(logging.INFO, "advisor.launch"):
        launch = enqueue()
        stop_launch(launch.pk)
    assert [(line.launch_id, line.getMessage().partition(": ")[2]) for line in caplog.records] == [
        (str(launch.pk), "queued on local for somebody at this machine"),
        (str(launch.pk), "queued -> stopped: asked to stop"),
    ]
