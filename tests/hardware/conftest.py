"""The probe as a child of ours that sees the stub library as the machine's driver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hardware import probe_child


@pytest.fixture
def probed(driver: Callable[..., None]) -> Callable[..., dict[str, Any]]:
    """Run the real probe as a child on that driver."""

    def run(**values: str) -> dict[str, Any]:
        driver(**values)
        return probe_child.run(timeout_seconds=30)

    return run
