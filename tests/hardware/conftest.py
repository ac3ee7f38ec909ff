"""The probe as a child of ours that sees the stub library as the machine's driver, and two cards for it to see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hardware import probe_child

ONE = "NVIDIA GeForce RTX 4090|24564|412|8.9"
TWO = f"{ONE};NVIDIA GeForce RTX 3090|24576|300|8.6"


@pytest.fixture
def two(driver: Callable[..., None]) -> Callable[..., None]:
    driver(GPUS=TWO)
    return driver


@pytest.fixture
def probed(driver: Callable[..., None]) -> Callable[..., dict[str, Any]]:
    """Run the real probe as a child on that driver."""

    def run(**values: str) -> dict[str, Any]:
        driver(**values)
        return probe_child.run(timeout_seconds=30)

    return run
