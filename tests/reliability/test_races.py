"""Many requests at once, and a broker that is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import LazySettings
from django.db import connection

from advisor.fit.spec import BuildSpec
from advisor.launch import queue
from advisor.launch.nudge import publisher
from advisor.launch.refused import LaunchRefused
from advisor.launch.steps import queued
from advisor.launch.transitions import move, stop_launch
from advisor.models import Launch
from advisor.selectors.hosts import LaunchPlace
from hardware.models import Accelerator
from tests.reliability.conftest import ROUNDS
from tests.support.launches import GIB, Enqueue, held, make_plan, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
Fake = Callable[..., None]


def at_once(ask: Callable[[int], object], times: int) -> list[object]:
    def one(number: int) -> object:
        try:
            return ask(number)
        except LaunchRefused as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(one, range(times)))


def test_of_32_requests_for_the_room_of_3_exactly_3_are_taken(fake: Fake, build: BuildSpec) -> None:
    Accelerator.objects.create(host_id="local", uuid="GPU-A", name="A", capacity_bytes=3 * GIB + 100)
    plan = make_plan(build, host=1000, devices=(GIB,))
    for _ in range(ROUNDS):
        answers = at_once(lambda _: queue.enqueue(plan, LaunchPlace("local", None, ("GPU-A",))), 32)
        refused = [answer for answer in answers if isinstance(answer, LaunchRefused)]
        assert (len(refused), Launch.objects.filter(status="queued").count()) == (29, 3)
        assert held() == 3 * GIB + 3000
        for launch in Launch.objects.filter(status="queued"):
            stop_launch(launch.pk)
        assert held() == 0


def test_one_key_asked_for_many_times_at_once_is_one_launch(fake: Fake, enqueue: Enqueue) -> None:
    answers = at_once(lambda _: enqueue(key="same").pk, 16)
    assert len(set(answers)) == 1
    assert (Launch.objects.count(), held()) == (1, GIB)


def test_many_stops_at_once_are_one_stop(fake: Fake, enqueue: Enqueue) -> None:
    launch = until(enqueue(), "ready")
    at_once(lambda _: stop_launch(launch.pk), 16)
    until(launch, "stopped")
    assert [event.to_status for event in launch.events.all()] == ["starting", "ready", "stopping", "stopped"]


def test_a_status_that_changed_since_it_was_read_is_not_overwritten(fake: Fake, enqueue: Enqueue) -> None:
    launch = enqueue()
    stale = Launch.objects.get(pk=launch.pk)
    stop_launch(launch.pk)
    assert not move(stale, "starting")
    queued(stale, {})  # the whole step, by a worker that read the row before
    launch.refresh_from_db()
    assert (launch.status, launch.pid, held()) == ("stopped", None, 0)


def test_a_broker_that_is_away_neither_delays_nor_loses_a_launch(
    fake: Fake, enqueue: Enqueue, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    publisher.cache_clear()
    begun = time.monotonic()
    launch = enqueue()
    assert time.monotonic() - begun < 1
    until(launch, "ready")
    while "was not sent" not in caplog.text and time.monotonic() < begun + 15:
        time.sleep(0.1)
    publisher.cache_clear()
    assert "its next look at the queue will do" in caplog.text
