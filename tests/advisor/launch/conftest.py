"""Children of a test's own, found by their marker and gone when it ends."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from advisor.launch import process
from hardware.clock import uptime
from hardware.processes import Identity

Spawn = Callable[..., Identity]


@pytest.fixture
def marker() -> Iterator[str]:
    value = str(uuid.uuid4())
    yield value
    assert process.stop_processes({value: None}, grace=0) == set()


@pytest.fixture
def spawn(marker: str, tmp_path: Path) -> Spawn:
    def start(code: str, **more: int) -> Identity:
        words = [sys.executable, "-S", "-c", code]
        return process.spawn(words, marker=marker, env={}, log=tmp_path / "logs" / "a.log", cwd=tmp_path, **more)

    return start


def eventually(true: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = uptime() + seconds
    while not true() and uptime() < deadline:
        time.sleep(0.02)
    return true()
