from __future__ import annotations

import pytest

from advisor.launch import process, reconciler
from advisor.launch.reconciler import reconcile
from advisor.launch.transitions import stop_launch
from advisor.models import Launch
from tests.support.launches import Enqueue, Fake, held, until, who


def test_a_child_that_ignores_term_and_its_setsid_grandchild_are_gone_within_grace_and_two_seconds(
    fake: Fake, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "GRACE", 0.5)
    fake("--ignore-term", "--setsid")
    launch = until(enqueue(), "ready")
    assert len(process.marked()[str(launch.pk)]) == 2
    stop_launch(launch.pk)
    begun = process.uptime()
    until(launch, "stopped")
    assert process.uptime() - begun < 2.5
    assert str(launch.pk) not in process.marked()


def test_memory_that_nobody_active_holds_is_released(fake: Fake, enqueue: Enqueue) -> None:
    launch = enqueue()
    Launch.objects.filter(pk=launch.pk).update(status="lost")
    reconcile("local")
    assert held() == 0


def test_a_restart_of_the_machine_loses_the_launch(fake: Fake, enqueue: Enqueue) -> None:
    launch = until(enqueue(), "ready")
    pid = who(launch)
    Launch.objects.filter(pk=launch.pk).update(boot_id="an earlier boot")
    assert process.stop_processes({str(launch.pk): pid}, grace=1) == set()
    assert until(launch, "lost").reason == "restart"
    assert held() == 0
