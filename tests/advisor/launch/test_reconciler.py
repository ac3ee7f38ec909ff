from __future__ import annotations

from pathlib import Path

import pytest

from advisor.fit.spec import BuildSpec
from advisor.launch import process, reconciler
from advisor.launch.reconciler import reconcile
from advisor.launch.transitions import stop_launch
from advisor.models import Launch
from hardware.clock import uptime
from tests.support.launches import Enqueue, Fake, held, until, who


def test_a_child_that_ignores_term_and_its_setsid_grandchild_are_gone_within_grace_and_two_seconds(
    fake: Fake, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "GRACE", 0.5)
    fake("--ignore-term", "--setsid")
    launch = until(enqueue(), "ready")
    assert len(process.marked()[str(launch.pk)]) == 2
    stop_launch(launch.pk)
    begun = uptime()
    until(launch, "stopped")
    assert uptime() - begun < 2.5
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


def test_a_step_that_raises_again_and_again_fails_the_launch_with_its_reason_and_holds_nothing(
    home: Path, fake: Fake, enqueue: Enqueue, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "launches" / "verified.json").mkdir(parents=True)  # where the digest of the file would be kept
    launch = until(enqueue(), "failed")
    assert launch.reason == "file"
    assert launch.message.startswith("It failed while queued: verified.")
    assert launch.message.endswith(": Is a directory.")
    assert held() == 0
    assert caplog.text.count("Traceback") == 1  # not one for every look


def test_a_row_that_makes_no_sense_holds_up_nobody_and_ends(fake: Fake, enqueue: Enqueue, build: BuildSpec) -> None:
    odd, good = enqueue(host=1 << 20), enqueue(host=1 << 20)
    Launch.objects.filter(pk=odd.pk).update(settings={"context": "many", "nonsense": 1})
    until(good, "ready")
    assert until(odd, "failed").message.startswith("It failed while queued: an internal error")


def test_a_serving_engine_is_not_ended_because_it_could_not_be_looked_at(fake: Fake, enqueue: Enqueue) -> None:
    launch = until(enqueue(), "ready")
    Launch.objects.filter(pk=launch.pk).update(watch={"at": "long ago"})
    for _ in range(reconciler.MOST_TROUBLES + 1):
        reconcile("local")
    launch.refresh_from_db()
    assert (launch.status, launch.troubles) == ("ready", reconciler.MOST_TROUBLES + 1)
    Launch.objects.filter(pk=launch.pk).update(watch={})
    reconcile("local")
    launch.refresh_from_db()
    assert launch.troubles == 0
