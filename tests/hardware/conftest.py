"""The stub library, built once, and children of ours that see it as the machine's driver."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardware import child

SOURCE = Path(__file__).parent.parent / "nvml_stub" / "nvml_stub.c"
FLAGS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-fvisibility=hidden", "-shared")
SONAME = "-Wl,-soname,libnvidia-ml.so.1"


@pytest.fixture(scope="session")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds libnvidia-ml.so.1."""
    folder = tmp_path_factory.mktemp("nvml")
    subprocess.run(["gcc", *FLAGS, SONAME, "-o", str(folder / "libnvidia-ml.so.1"), str(SOURCE)], check=True)
    return folder


@pytest.fixture
def driver(stub: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """driver(GPUS="name|total|used|cc;...", FAULTS=...): what the next probe finds."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(stub))

    def set_up(**values: str) -> None:
        for key, value in values.items():
            monkeypatch.setenv(f"NVML_STUB_{key}", value)

    return set_up


@pytest.fixture
def probed(driver: Callable[..., None]) -> Callable[..., dict[str, Any]]:
    """Run the real probe as a child on that driver."""

    def run(**values: str) -> dict[str, Any]:
        driver(**values)
        return child.run(timeout_seconds=30)

    return run
