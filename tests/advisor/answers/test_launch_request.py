"""Asking for a launch: planned again on a fresh reading of this machine, refused with a sentence where it cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.utils import timezone

from advisor.answers.launch_request import request_launch
from advisor.launch.document import launch_document
from advisor.launch.queue import Once, launchable
from advisor.launch.refused import LaunchRefused
from advisor.models import Launch
from advisor.question.errors import DoesNotFit, Invalid
from catalog.models import Build, Model
from hardware import ledger
from hardware.models import Accelerator, Host, Reservation, Snapshot
from hardware.snapshots import refresh
from tests.support.ask import recommend
from tests.support.launches import SEED

pytestmark = pytest.mark.postgres
SLUG = "smollm2-135m-instruct"


@pytest.fixture
def host(home: Path, settings: LazySettings) -> Host:
    """This machine as its own probe reads it, and a catalog of the bundled model alone."""
    settings.LLAMA_SERVER = ""
    Accelerator.objects.all().delete()
    model = Model.objects.create(
        slug=SLUG,
        name="SmolLM2",
        hub_id="x/y",
        organisation="x",
        family="x",
        context_length=8192,
        input_modalities=["text"],
    )
    for row in json.loads(SEED.read_text())["builds"]:
        Build.objects.create(model=model, **row)
    assert refresh().data
    return Host.objects.get(pk=settings.HOST_ID)


def test_the_build_that_is_on_disk_is_planned_reserved_and_queued(host: Host) -> None:
    launch, created = request_launch(host=host.pk, model=SLUG, workload={"context": 2048}, owner="somebody")
    assert created
    assert (launch.status, launch.build, launch.owner) == ("queued", f"{SLUG}:Q4_1", "somebody")
    assert launch.settings["context"] == 2048
    held = Reservation.objects.get(holder=launch.pk)
    assert held.accelerator.uuid == "ram"
    assert held.bytes >= launch.predicted["total_bytes"] > 98_000_000


def test_stated_settings_are_run_as_stated(host: Host) -> None:
    launch, _ = request_launch(
        build=f"{SLUG}:Q4_1", engine="llama.cpp", settings={"context": 1024, "kv_type_k": "q8_0"}
    )
    assert (launch.settings["context"], launch.settings["kv_type_k"], launch.settings["kv_type_v"]) == (
        1024,
        "q8_0",
        "f16",
    )


def test_what_a_launch_ran_with_can_be_launched_again_as_it_reads(host: Host) -> None:
    first, _ = request_launch(model=SLUG, workload={"context": 2048, "concurrency": 2})
    read = launch_document(first)
    again, _ = request_launch(build=read["build"], engine=read["engine"], settings=read["settings"])
    assert launch_document(again)["settings"] == read["settings"]
    assert again.settings == first.settings


def test_the_same_key_answers_with_the_same_launch_and_plans_nothing(host: Host) -> None:
    once = Once("k", "ann", "asked")
    first, _ = request_launch(model=SLUG, once=once, owner="ann")
    again, created = request_launch(model="not planned", once=once, owner="ann")
    assert (again.pk, created) == (first.pk, False)


def test_a_key_belongs_to_its_owner_and_its_request_and_is_forgotten_a_day_after_its_end(host: Host) -> None:
    small = {"model": SLUG, "workload": {"context": 256}}
    first, _ = request_launch(**small, once=Once("k", "ann", "asked"), owner="ann")
    with pytest.raises(Invalid, match="This key came with another request before") as refused:
        request_launch(**small, once=Once("k", "ann", "other"), owner="ann")
    assert (refused.value.status, refused.value.errors[0]["field"]) == (422, "Idempotency-Key")
    other, created = request_launch(**small, once=Once("k", "bob", "asked"), owner="bob")
    assert created
    assert other.pk != first.pk
    Launch.objects.filter(pk=first.pk).update(updated=timezone.now() - timedelta(hours=25))
    assert request_launch(**small, once=Once("k", "ann", "asked"), owner="ann")[0].pk == first.pk  # it still runs
    Launch.objects.filter(pk=first.pk).update(status="stopped")
    later, created = request_launch(**small, once=Once("k", "ann", "other"), owner="ann")
    assert created
    assert later.pk != first.pk


def test_an_old_reading_is_not_planned_on(host: Host) -> None:
    Snapshot.objects.update(taken=timezone.now() - timedelta(hours=1))
    with pytest.raises(
        LaunchRefused, match="The last reading of host 'local' cannot be planned on: it is 3600 s old"
    ) as refused:
        request_launch(model=SLUG)
    assert refused.value.rejection is not None
    assert refused.value.rejection.reason == "stale_snapshot"
    refresh()
    assert request_launch(model=SLUG)[1]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"model": "nothing"}, "model"),
        ({"host": "nowhere", "model": SLUG}, "host"),
        ({"build": "nothing:Q4_0"}, "build"),
        ({"build": f"{SLUG}:Q4_1", "settings": {"context": "many"}}, "settings.context"),
        ({"build": f"{SLUG}:Q4_1", "engine": "no such", "settings": {}}, "engine"),
        ({"model": SLUG, "workload": {"context": 0}}, "workload.context"),
    ],
)
def test_a_wish_that_makes_no_sense_names_its_field(host: Host, wish: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        request_launch(**wish)  # type: ignore[arg-type]
    assert [error["field"] for error in refused.value.errors] == [field]
    assert not Launch.objects.exists()


def test_what_does_not_fit_beside_what_is_promised_is_refused_with_its_verdict(host: Host) -> None:
    ram = Accelerator.objects.get(uuid="ram")
    ledger.reserve(other := uuid4(), host.pk, {"ram": ledger.left(ram, ram.free_bytes) - 100_000_000})
    for wish in ({"model": SLUG}, {"build": f"{SLUG}:Q4_1", "engine": "llama.cpp", "settings": {"context": 8192}}):
        with pytest.raises(DoesNotFit) as refused:
            request_launch(**wish)
        assert refused.value.rejection.reason == "host_memory"
    assert [row.holder for row in Reservation.objects.all()] == [other]


def test_an_engine_that_computes_on_the_cpu_gets_no_plan_for_a_gpu(host: Host, driver: Callable[..., None]) -> None:
    """The wheel's engine on a machine with a GPU: what is launched must be what was advised."""
    driver(GPUS="NVIDIA GeForce RTX 4090|24564|412|8.9")
    refresh()
    launch, _ = request_launch(model=SLUG)
    assert (launch.devices, launch.settings["gpu_layers"], launch.settings["devices"]) == ([], 0, 0)
    stated = {"context": 2048, "devices": 1, "gpu_layers": 31}
    with pytest.raises(LaunchRefused, match="computes on the CPU only and this plan is for a GPU"):
        request_launch(build=f"{SLUG}:Q4_1", settings=stated)
    answer = recommend({"workload": {"context": 2048}, "limit": 100})
    (result,) = [r for r in answer["results"] if r["model"]["slug"] == SLUG]
    assert result["settings"]["devices"] == 1
    assert not launchable(result)


def test_what_is_not_on_disk_is_refused_with_a_sentence(host: Host) -> None:
    with pytest.raises(LaunchRefused, match=f"The file of {SLUG}:F16 is not on this machine"):
        request_launch(build=f"{SLUG}:F16", download=False)
    assert not Reservation.objects.exists()
