"""Each check says what it found, and how to mend what is broken."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.utils import timezone

from advisor.monitoring import doctor
from advisor.monitoring.doctor import CHECKS
from catalog.models import CatalogVersion
from config.embedded import free_port
from hardware import probe
from hardware.snapshots import record, stale_seconds, this_host

pytestmark = pytest.mark.django_db


def test_a_folder_that_can_be_written_is_fine_and_one_that_cannot_says_what_to_mend(
    settings: LazySettings, tmp_path: Path
) -> None:
    settings.BERTH_DATA = tmp_path
    assert doctor.data().ok
    settings.BERTH_DATA = tmp_path / "nothing"
    found = doctor.data()
    assert not found.ok
    assert found.sentence.endswith("cannot be written (No such file or directory): mend its owner, or set BERTH_DATA.")


def test_little_room_is_said_before_it_is_gone(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BERTH_DATA = tmp_path
    monkeypatch.setattr(doctor, "FREE_BYTES", 1 << 62)
    found = doctor.data()
    assert (found.ok, "GB free: make room" in found.sentence) == (False, True)


def test_a_catalog_is_loaded_or_names_the_command() -> None:
    assert doctor.catalog().sentence == "The catalog is not loaded: run `manage.py prepare`."
    CatalogVersion.objects.create(pk=1, digest="x")
    assert doctor.catalog().ok
    assert doctor.database().ok


def test_a_gpu_that_cannot_be_used_is_no_health(driver: Callable[..., None]) -> None:
    driver(GPUS="NVIDIA L4|24000|0|8.9;NVIDIA L40S|48000|0|8.9")
    assert doctor.hardware().sentence == "GPUs: NVIDIA L4, NVIDIA L40S."
    driver(GPUS="NVIDIA L4|24000|0|8.9;NVIDIA L40S|48000|0|8.9", FAULTS="nvmlDevice*@1=15")
    found = doctor.hardware()
    assert not found.ok
    assert "has fallen off the bus" in found.sentence


def test_a_proxy_that_is_told_half_is_no_health(settings: LazySettings) -> None:
    settings.ANONYMOUS_ACCESS, settings.RATE_LIMITS, settings.HTTPS, settings.DEBUG = True, {}, False, False
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = ["localhost"], []
    assert doctor.access().ok
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = ["berth.example.org"], ["https://berth.example.org"]
    found = doctor.access()
    assert not found.ok
    assert all(word in found.sentence for word in ("BERTH_HTTPS=true", "BERTH_ANONYMOUS=false", "set RATE_LIMITS"))
    settings.ANONYMOUS_ACCESS, settings.RATE_LIMITS, settings.HTTPS = False, {"sign-in": 10}, True
    assert doctor.access().ok
    settings.DEBUG = True
    assert not doctor.access().ok


def test_a_broker_that_is_away_says_how_to_start_one(settings: LazySettings) -> None:
    assert doctor.broker().ok
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    found = doctor.broker()
    assert not found.ok
    assert found.sentence.endswith("set REDIS_URL to a running Valkey or Redis.")


def test_a_worker_is_known_by_its_last_reading() -> None:
    assert doctor.worker().sentence.startswith("No worker has ever reported:")
    host, now = this_host(), timezone.now()
    record(host, now - timedelta(seconds=stale_seconds() + 5), probe.without_drivers())
    late = doctor.worker()
    assert (late.ok, "see the worker's log" in late.sentence) == (False, True)
    record(host, now, probe.without_drivers())
    assert doctor.worker().ok


def test_hardware_names_the_gpus_or_what_the_driver_says(driver: Callable[..., None]) -> None:
    driver(GPUS="")
    assert doctor.hardware().sentence == "No GPU here: models run on the CPU."
    driver(GPUS="NVIDIA L4|23034|0|8.9;Tesla T4|15360|0|7.5")
    assert doctor.hardware().sentence == "GPUs: NVIDIA L4, Tesla T4."
    driver(FAULTS="nvmlInitWithFlags=18")
    found = doctor.hardware()
    assert (found.ok, "reboot" in found.sentence) == (False, True)


def test_an_engine_is_started_once_to_see_that_it_can(settings: LazySettings, tmp_path: Path) -> None:
    program = tmp_path / "llama-server"
    settings.LLAMA_SERVER = str(program)
    for script, ok, said in (
        ("exit 0", True, "llama.cpp through llama-server."),
        (
            "echo first >&2; echo libgomp.so.1: not found >&2; exit 127",
            False,
            "does not start: libgomp.so.1: not found.",
        ),
        ("exit 3", False, "llama-server does not start: no message."),
    ):
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        found = doctor.engine()
        assert (found.ok, found.sentence.endswith(said)) == (ok, True), found.sentence


def test_model_files_are_counted_or_missed_with_the_folders_that_were_looked_through(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MODEL_ROOTS = [tmp_path / "a", tmp_path / "b"]
    assert doctor.model().sentence == "1 model file on disk ready to launch."  # the bundled one
    monkeypatch.setattr(doctor, "local_files", lambda roots: {})
    assert doctor.model().sentence.endswith(f"under {tmp_path / 'a'}{os.pathsep}{tmp_path / 'b'}.")


def test_the_command_looks_at_what_is_named_and_ends_with_an_error_where_something_is_wrong() -> None:
    out = StringIO()
    call_command("doctor", only=["python", "database"], stdout=out)
    assert len(out.getvalue().splitlines()) == 2
    with pytest.raises(CommandError):
        call_command("doctor", only=["catalog"], stdout=out)
    assert set(CHECKS) == {
        "python",
        "data",
        "database",
        "catalog",
        "broker",
        "worker",
        "hardware",
        "engine",
        "model",
        "access",
    }
