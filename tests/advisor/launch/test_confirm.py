"""The engine's own plan before each launch, with the real engine: stored, reserved where it is larger, and said."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.test import Client

from advisor.launch import confirm
from advisor.launch.document import launch_document
from advisor.launch.steps import queued
from advisor.launch.transitions import begin, stop_launch
from advisor.models import Launch
from hardware.models import Accelerator
from tests.support.launches import GIB, OUTSIDE, Enqueue, Fake, Wrong, held, until

LIMIT = confirm.SECONDS


def notes(launch: Launch) -> list[str]:
    return [event.note for event in launch.events.all()]


def test_a_plan_that_the_engine_confirms_is_started_as_it_is(asked: Wrong) -> None:
    launch = asked()
    before = held()
    until(launch, "starting", "ready")
    engine = launch.predicted["engine"]
    assert (engine["agrees"], engine["message"], held()) == (True, None, before)
    assert abs(engine["host"]["total"]["difference_percent"]) < 0.5
    assert notes(launch)[0] == f"confirmed by the engine's own plan ({engine['engine']})"


@pytest.mark.postgres
def test_where_the_engine_plans_more_both_are_stored_and_the_larger_is_reserved(asked: Wrong) -> None:
    launch = asked(0.9)
    before = held()
    until(launch, "starting", "ready")
    total = launch.predicted["engine"]["host"]["total"]
    assert (
        total["engine"] > total["predicted"] == launch.predicted["host"]["total"] - launch.predicted["host"]["overhead"]
    )
    assert held() == before + total["engine"] - total["predicted"] == total["engine"] + OUTSIDE
    stop_launch(launch.pk)
    until(launch, "stopped")
    assert held() == 0


def test_where_the_engine_plans_less_the_prediction_stays_reserved(asked: Wrong) -> None:
    launch = asked(1.1)
    before = held()
    until(launch, "starting", "ready")
    assert launch.predicted["engine"]["agrees"] is False
    assert held() == before


@pytest.mark.postgres
def test_where_there_is_no_room_for_what_the_engine_plans_the_launch_fails_and_holds_nothing(asked: Wrong) -> None:
    launch = asked(0.5)
    Accelerator.objects.update(capacity_bytes=held() + 1000)
    until(launch, "failed")
    assert launch.reason == "host_memory"
    assert launch.message.startswith("The engine's own plan is 0.")
    assert "There is no room: smollm2-135m-instruct needs 0.1 GiB more of the host's memory" in launch.message
    assert launch.predicted["engine"]["agrees"] is False
    assert (launch.pid, held()) == (None, 0)


def test_the_page_and_the_api_say_what_the_engine_plans(asked: Wrong) -> None:
    launch = until(asked(0.9), "starting", "ready")
    message = launch_document(launch)["predicted"]["engine"]["message"]
    assert message.startswith("The engine's own plan is 0.")
    page = Client(SERVER_NAME="localhost").get(f"/launches/{launch.pk}/").content.decode()
    assert message.replace("'", "&#x27;") in page
    assert "The engine’s own plan of its buffers (llama.cpp b" in page
    assert notes(launch)[0] == message


def test_an_engine_that_does_not_answer_in_time_holds_no_launch_up(
    asked: Wrong, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirm, "SECONDS", 0.01)
    launch = asked(0.5)
    before = held()
    until(launch, "starting", "ready")
    assert "engine" not in launch.predicted
    assert notes(launch)[0] == "not confirmed by the engine: The engine gave no plan of its own within 0.01 seconds."
    assert held() == before


def test_a_launch_waits_for_the_engines_plan_two_seconds_at_most(
    asked: Wrong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirm, "SECONDS", LIMIT)
    launch, hanging = asked(), tmp_path / "x.gguf"
    os.mkfifo(hanging)  # opening it for reading never returns
    begun = time.monotonic()
    assert confirm.confirm(launch, hanging).note.endswith("gave no plan of its own within 2 seconds.")
    assert time.monotonic() - begun < 3


def test_a_launch_that_is_started_again_is_not_asked_about_again_and_reserves_no_more(asked: Wrong) -> None:
    launch = asked(0.9)
    until(launch, "starting", "ready")
    before, engine = held(), launch.predicted["engine"]
    assert confirm.confirm(launch, Path(launch.model_path)) == confirm.Confirmation(engine=engine)
    assert begin(launch, confirm.confirm(launch, Path(launch.model_path)))
    launch.refresh_from_db()
    assert (held(), launch.predicted["engine"]) == (before, engine)


def test_a_stop_that_comes_while_the_engine_is_asked_wins(asked: Wrong) -> None:
    stale = asked(0.9)
    stop_launch(stale.pk)
    queued(stale, {})
    stale.refresh_from_db()
    assert (stale.status, stale.pid, held()) == ("stopped", None, 0)


def test_a_program_that_has_no_dry_run_is_not_asked(fake: Fake, enqueue: Enqueue) -> None:
    launch = until(enqueue(host=GIB), "ready")
    assert "engine" not in launch.predicted
    assert notes(launch)[0] == ""
