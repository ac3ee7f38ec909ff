from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.plugin import browser_path
from tests.plugin.berth import Berth

pytest.register_assert_rewrite("tests.support")
pytest_plugins = ["tests.support.catalog_api", "tests.support.launches", "tests.support.small_catalog"]


def pytest_configure() -> None:
    """What costs time in every test and is nobody's subject; a Berth in processes of its own keeps it.

    A test client would read all static files anew, and a password is worth a million rounds.
    """
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True
    settings.OPERATOR_KEY = "a key as each start makes one"


BROWSER_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)


SOURCE = Path(__file__).parent / "nvml_stub" / "nvml_stub.c"
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


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": browser_path(), "args": list(BROWSER_FLAGS)}


@pytest.fixture(scope="module")
def berth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Berth]:
    """A Berth with worker and web server of its own, one for all tests of a module."""
    running = Berth(tmp_path_factory.mktemp("berth") / "data").wait_until_ready()
    yield running
    running.kill()


@pytest.fixture(scope="session")
def read_berth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Berth]:
    """One for all tests that only look: to start a Berth takes a second of all cores."""
    running = Berth(tmp_path_factory.mktemp("berth") / "data").wait_until_ready()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def seeded(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """The seed catalog in the tests' database, once for a module."""
    from django.db import transaction

    from tests.support.seed import put_seed

    with django_db_blocker.unblock(), transaction.atomic():  # type: ignore[attr-defined]
        put_seed()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def berth_data(tmp_path: Path) -> Path:
    return tmp_path / "data"
