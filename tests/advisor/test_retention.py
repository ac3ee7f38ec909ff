"""What is written along the way is kept for so long and up to so many, and no longer."""

from __future__ import annotations

import os
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from advisor import tasks
from advisor.answers import decisions
from advisor.models import Decision, Launch, LaunchEvent
from hardware.models import Host

pytestmark = pytest.mark.django_db


def asked(name: str, days: float) -> None:
    decisions.remember(name.ljust(64, "0"), {"limit": 1})
    Decision.objects.filter(digest=name.ljust(64, "0")).update(created=timezone.now() - timedelta(days=days))


def kept() -> list[str]:
    return sorted(row.digest.rstrip("0") for row in Decision.objects.all())


def test_a_decision_is_forgotten_after_its_days(settings: LazySettings) -> None:
    for name, days in (("new", 0), ("young", settings.DECISIONS_DAYS - 1), ("old", settings.DECISIONS_DAYS + 1)):
        asked(name, days)
    tasks.prune()
    assert kept() == ["new", "young"]


def test_of_too_many_decisions_the_newest_are_kept(settings: LazySettings) -> None:
    settings.DECISIONS_MOST = 3
    for number in range(6):
        asked(f"n{number}x", number)
    tasks.prune()
    assert kept() == ["n0x", "n1x", "n2x"]


def launch(host: Host, status: str, days: float, folder: Path) -> uuid.UUID:
    row = Launch.objects.create(host=host, status=status, model="m", build="m:Q4_0", engine="e", alias="m", settings={})
    LaunchEvent.objects.create(launch=row, from_status="queued", to_status=status)
    Launch.objects.filter(pk=row.pk).update(updated=timezone.now() - timedelta(days=days))
    for end in ("log", "log.1"):
        (folder / f"{row.pk}.{end}").write_text("words")
    return row.pk


def test_launches_that_are_over_go_with_history_and_logs_and_others_stay(
    settings: LazySettings, tmp_path: Path
) -> None:
    settings.BERTH_DATA, settings.LAUNCHES_MOST = tmp_path, 2
    folder = tmp_path / "launches"
    folder.mkdir()
    for name in ("verified.json", "local.lock", f"{uuid.uuid4()}.log"):
        (folder / name).write_text("")
    host = Host.objects.create(id="here", name="here", queue="q")
    serves = launch(host, "ready", 400, folder)
    waits = launch(host, "queued", 400, folder)
    over = [launch(host, status, days, folder) for days, status in enumerate(("stopped", "failed", "lost", "stopped"))]
    launch(host, "stopped", settings.LAUNCHES_DAYS + 1, folder)
    tasks.prune()
    stay = {serves, waits, *over[:2]}
    assert set(Launch.objects.values_list("pk", flat=True)) == stay
    assert set(LaunchEvent.objects.values_list("launch", flat=True)) == stay
    logs = {f"{pk}.{end}" for pk in stay for end in ("log", "log.1")}
    assert {path.name for path in folder.iterdir()} == logs | {"verified.json", "local.lock"}


def test_parts_of_downloads_go_when_nobody_has_gone_on_with_them(settings: LazySettings, tmp_path: Path) -> None:
    settings.BERTH_DATA, settings.MODEL_ROOTS = tmp_path, [tmp_path / "models"]
    folder = tmp_path / "models" / "acme" / "Tiny-GGUF"
    folder.mkdir(parents=True)
    for name in ("old.gguf.part", "old.gguf.part.etag", "new.gguf.part", "whole.gguf"):
        (folder / name).write_text("x")
    for name in ("old.gguf.part", "whole.gguf"):
        os.utime(folder / name, (0, 0))
    tasks.prune()
    assert sorted(path.name for path in folder.iterdir()) == ["new.gguf.part", "whole.gguf"]
