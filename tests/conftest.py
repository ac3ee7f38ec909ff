from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.plugin import browser_path
from tests.plugin.berth import Berth

BROWSER_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": browser_path(), "args": list(BROWSER_FLAGS)}


@pytest.fixture(scope="module")
def berth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Berth]:
    """A Berth with worker and web server of its own, one for all tests of a module."""
    running = Berth(tmp_path_factory.mktemp("berth") / "data").wait_until_ready()
    yield running
    running.stop()


@pytest.fixture
def berth_data(tmp_path: Path) -> Path:
    return tmp_path / "data"
