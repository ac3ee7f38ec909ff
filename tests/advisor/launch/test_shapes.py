"""The shape of a launch is true from the moment that it is asked for."""

from __future__ import annotations

import pytest

from advisor.launch import measure, shapes
from advisor.launch.document import launch_document
from advisor.launch.reconciler import reconcile
from advisor.models import Launch
from hardware.models import Accelerator, Host
from tests.support.launches import GIB, Enqueue, Fake, Wrong, until
from tests.support.shapes import untrue

CARD = "GPU-1"


def test_a_launch_is_what_its_shape_says_before_and_after_it_is_measured(
    fake: Fake, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host.objects.get()
    Accelerator.objects.create(host=host, uuid=CARD, name="A card", kind="gpu", capacity_bytes=8 * GIB)
    monkeypatch.setattr(measure, "device_bytes", lambda launch, who: {CARD: GIB})
    launch = enqueue(uuids=(CARD,))
    queued = launch_document(launch)
    assert (queued["measured"], len(queued["reservations"])) == (None, 2)
    assert untrue(shapes.Launch, queued) == []
    ready = launch_document(until(launch, "ready"))
    assert ready["measured"]
    assert ready["measured"]["devices"] == {CARD: {"total": GIB}}
    assert ready["events"]
    assert untrue(shapes.Launch, ready) == []


def test_a_launch_that_the_engine_was_asked_about_is_what_its_shape_says(asked: Wrong) -> None:
    launch = asked(0.5)
    reconcile(launch.host_id)
    document = launch_document(Launch.objects.get(pk=launch.pk))
    assert document["predicted"]["engine"]["agrees"] is False
    assert untrue(shapes.Launch, document) == []
