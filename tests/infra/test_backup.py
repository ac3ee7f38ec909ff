"""Dump, wipe, restore: the same question gets the same decision, and a token still opens the door."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.plugin.berth import Berth

QUESTION = {"hardware": {"text": "RTX 4090, 64 GB RAM"}, "workload": {"use_case": "coding", "context": 32768}}


def decision(berth: Berth, token: str) -> str:
    request = urllib.request.Request(
        f"{berth.base_url}/api/v1/recommendations/",
        json.dumps(QUESTION).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["decision"])


def test_a_restored_copy_decides_as_the_original_did(tmp_path: Path) -> None:
    first = Berth(tmp_path / "first").wait_until_ready()
    try:
        token = first.token()
        # An edit, so that a freshly loaded seed would not pass for the backup.
        hide = (
            "from catalog.models import Model; m = Model.objects.get(slug='qwen3-32b'); m.status = 'hidden'; m.save()"
        )
        first.manage("shell", "-v", "0", "-c", hide)
        before = decision(first, token)
        first.manage("backup", str(tmp_path / "copy.sqlite3"))
        with pytest.raises(subprocess.CalledProcessError) as refused:
            first.manage("backup", str(tmp_path / "copy.sqlite3"))
        assert "cannot be written" in refused.value.stderr
        key = (first.data / "secret_key").read_bytes()
    finally:
        first.stop()
    assert (tmp_path / "copy.sqlite3").stat().st_mode & 0o777 == 0o600

    data = tmp_path / "second"
    data.mkdir()
    (tmp_path / "copy.sqlite3").rename(data / "berth.sqlite3")
    (data / "secret_key").write_bytes(key)
    second = Berth(data).wait_until_ready()
    try:
        assert decision(second, token) == before
    finally:
        second.stop()
