"""What a worker that is killed leaves behind, and what the next one makes of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import psutil
import pytest

from advisor.launch import engine_process, process, reconciler
from advisor.launch.reconciler import reconcile, stop_all
from advisor.launch.steps import NOBODY
from advisor.launch.transitions import stop_launch
from advisor.models import Launch
from hardware.models import Reservation
from hardware.processes import Identity
from tests.reliability.conftest import ROUNDS, Worker
from tests.support.launches import Enqueue, held, until, who

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
Fake = Callable[..., None]
DRY_RUN = "advisor.engines.llama_cpp.wheel_dry_run"
STARTING = ("before the intent", "after the intent", "after the spawn", "starting", "measured")
STOPPING = ("before the stop", "after TERM", "stopped")


def dry_runs() -> set[psutil.Process]:
    """Of the whole machine: another test's may be among them."""
    return {process for process in psutil.process_iter(["cmdline"]) if DRY_RUN in str(process.info["cmdline"])}


def leaders(launch: Launch) -> list[Identity]:
    return process.marked().get(str(launch.pk), [])


@pytest.mark.parametrize("window", STARTING)
def test_a_worker_killed_while_it_starts_a_launch_leaves_one_engine_and_one_reservation(
    window: str, fake: Fake, enqueue: Enqueue, worker: Worker
) -> None:
    for _ in range(ROUNDS):
        launch = enqueue()
        assert worker(window).wait(30) == -signal.SIGKILL
        launch = until(launch, "ready")
        assert [who(launch)] == leaders(launch)
        assert Reservation.objects.filter(holder=launch.pk).count() == 1
        stop_launch(launch.pk)
        until(launch, "stopped")
        assert (leaders(launch), held()) == ([], 0)


@pytest.mark.parametrize("window", ["while the engine is asked", "while the larger plan is reserved"])
def test_a_worker_killed_while_it_asks_the_engine_leaves_no_child_and_reserves_the_difference_once(
    window: str, asked: Callable[[float], Launch], worker: Worker
) -> None:
    launch = asked(0.9)
    before = held()
    assert worker(window).wait(30) == -signal.SIGKILL
    left = dry_runs()
    launch.refresh_from_db()
    assert (launch.status, held(), leaders(launch)) == ("queued", before, [])
    launch = until(launch, "ready")
    total = launch.predicted["engine"]["host"]["total"]
    assert held() == before + total["engine"] - total["predicted"]
    assert [who(launch)] == leaders(launch)
    assert psutil.wait_procs(left, timeout=40)[1] == []  # longer than a dry run may live


@pytest.mark.parametrize("window", STOPPING)
def test_a_worker_killed_while_it_stops_a_launch_leaves_nothing(
    window: str, fake: Fake, enqueue: Enqueue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "GRACE", 0.5)
    fake("--setsid")
    for _ in range(ROUNDS):
        launch = until(enqueue(), "ready")
        stop_launch(launch.pk)
        assert worker(window).wait(30) == -signal.SIGKILL
        for _period in range(2):
            reconcile(launch.host_id)
        launch.refresh_from_db()
        assert (launch.status, leaders(launch), held()) == ("stopped", [], 0)


def test_a_new_worker_adopts_what_the_old_one_started(fake: Fake, enqueue: Enqueue, worker: Worker) -> None:
    launches = [enqueue() for _ in range(5)]
    assert worker(seconds=20).wait(30) == 0  # it has started all of them, and is gone
    before = {x.pk: (x.pid, x.start_ticks) for x in Launch.objects.filter(status="ready")}
    assert set(before) == {launch.pk for launch in launches}
    assert worker(seconds=1).wait(30) == 0
    for launch in Launch.objects.all():
        assert (launch.status, before[launch.pk]) == ("ready", (launch.pid, launch.start_ticks))
        assert process.alive(who(launch))
        assert engine_process.serves(launch, who(launch))


def test_an_engine_without_a_record_is_found_by_its_marker(fake: Fake, enqueue: Enqueue) -> None:
    launch = until(enqueue(), "ready")
    running = who(launch)
    Launch.objects.filter(pk=launch.pk).update(status="starting", **NOBODY)
    assert who(until(launch, "ready")) == running


def test_a_process_of_a_launch_that_is_over_is_ended_and_a_strangers_is_not(fake: Fake, enqueue: Enqueue) -> None:
    launch, other = until(enqueue(), "ready"), until(enqueue(), "ready")
    Launch.objects.filter(pk=launch.pk).update(status="stopped")
    Launch.objects.filter(pk=other.pk).delete()  # another installation's, as far as this database knows
    try:
        reconcile("local")
        assert not process.alive(who(launch))
        assert process.alive(who(other))
    finally:
        process.stop_processes({str(other.pk): who(other)}, grace=1)


def test_several_workers_at_once_start_each_launch_once(fake: Fake, enqueue: Enqueue, worker: Worker) -> None:
    launches = [enqueue() for _ in range(4)]
    workers = [worker(seconds=15) for _ in range(3)]
    assert [one.wait(40) for one in workers] == [0, 0, 0]
    for launch in launches:
        launch.refresh_from_db()
        assert (launch.status, launch.attempts, leaders(launch)) == ("ready", 1, [who(launch)])


def test_many_launches_one_after_another_leak_nothing(fake: Fake, enqueue: Enqueue) -> None:
    me = psutil.Process()
    until(enqueue(), "ready")
    assert stop_all()
    process.reap()
    before = (set(me.children()), me.num_fds(), 0)
    for _ in range(5 * ROUNDS):
        launch = until(enqueue(), "ready")
        stop_launch(launch.pk)
        until(launch, "stopped")
    deadline = time.monotonic() + 5
    while (after := (set(me.children()), me.num_fds(), held())) != before and time.monotonic() < deadline:
        time.sleep(0.05)
        process.reap()
    assert after == before
