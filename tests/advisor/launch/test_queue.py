from __future__ import annotations

import dataclasses

import pytest

from advisor.fit.spec import BuildSpec, Rejection
from advisor.launch import queue
from advisor.launch.refused import LaunchRefused
from advisor.models import Launch
from advisor.selectors.hosts import LaunchPlace
from tests.support.launches import GIB, Enqueue, Fake, held, make_plan


def test_one_key_is_one_launch(fake: Fake, enqueue: Enqueue) -> None:
    assert enqueue(key="a").pk == enqueue(key="a").pk
    assert (Launch.objects.count(), held()) == (1, GIB)


def test_no_room_is_refused_and_reserves_nothing(fake: Fake, enqueue: Enqueue) -> None:
    enqueue(host=10 * GIB)
    with pytest.raises(
        LaunchRefused, match=r"needs 10.0 GiB of the host's memory, and 6.0 GiB are free and not promised yet"
    ) as refused:
        enqueue(host=10 * GIB)
    assert refused.value.rejection == Rejection("tiny", "tiny:Q4_0", "host_memory", 10 * GIB, 6 * GIB)
    assert held() == 10 * GIB
    assert Launch.objects.count() == 1


def test_every_configured_engine_may_be_asked_for_only_with_a_build_it_reads(fake: Fake, build: BuildSpec) -> None:
    for plan in (
        dataclasses.replace(make_plan(build), engine="no such engine"),
        make_plan(dataclasses.replace(build, format="safetensors")),
    ):
        with pytest.raises(LaunchRefused, match="cannot be launched from here"):
            queue.enqueue(plan, LaunchPlace("local", None, ()))
    assert held() == 0
