from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection

# The acceptance figures ask for more rounds than a test run has time for: BERTH_ROUNDS=20 runs them.
ROUNDS = int(os.environ.get("BERTH_ROUNDS", "1"))
Worker = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def worker(home: Path, settings: LazySettings) -> Worker:
    """`worker(window, seconds)`: a worker on this test's database in a process of its own."""
    keys = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
    database = json.dumps(
        {key: str(v) if key == "NAME" else v for key in keys if (v := connection.settings_dict.get(key))}
    )

    def start(window: str = "", seconds: float = 10) -> subprocess.Popen[str]:
        env = {**os.environ, "BERTH_DATA": str(home), "BERTH_LLAMA_SERVER": settings.LLAMA_SERVER}
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.worker", window, str(seconds)],
            stdin=subprocess.PIPE,
            text=True,
            cwd=settings.BASE_DIR,
            env=env,
        )
        assert child.stdin
        child.stdin.write(database)
        child.stdin.close()
        return child

    return start
