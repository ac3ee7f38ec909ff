from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from advisor.launch.process import MARKER
from config.embedded import free_port
from tests.plugin.berth import DATABASE, ROOT, Berth
from tests.support.rest_client import Client

MEMORY_LIMIT = 400_000_000


@pytest.fixture(scope="module")
def berth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Berth]:
    """As on a machine where there never was one: it makes its database itself."""
    running = Berth(tmp_path_factory.mktemp("berth") / "data", nothing=True).wait_until_ready()
    yield running
    running.kill()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Berth]]:
    started: list[Berth] = []

    def start_one() -> Berth:
        started.append(Berth(tmp_path / f"data{len(started)}").wait_until_ready())
        return started[-1]

    yield start_one
    for berth in started:
        berth.kill()


def gone(berth: Berth, seconds: float = 20) -> list[int]:
    """Pids that are still there after waiting for all to go."""
    deadline = time.monotonic() + seconds
    while (left := berth.processes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def test_it_answers_and_stays_small(berth: Berth) -> None:
    assert berth.status("/healthz") == 200
    assert berth.status("/") == 200
    held = []
    for pid in berth.processes():
        with suppress(psutil.NoSuchProcess):  # a probe of the machine comes and goes
            held.append(psutil.Process(pid).memory_full_info().pss)
    assert len(held) > 3
    assert sum(held) < MEMORY_LIMIT


def test_the_host_is_known_when_the_page_is_there(berth: Berth) -> None:
    count = "from hardware.models import Snapshot; print(Snapshot.objects.filter(host='local').count())"
    assert int(berth.manage("shell", "-v", "0", "-c", count)) >= 1


def test_a_command_beside_it_reaches_its_broker_and_its_worker(berth: Berth) -> None:
    said = berth.manage("doctor", "--only", "broker", "--only", "worker")
    assert "The broker answers." in said
    assert "The worker last reported" in said


def test_a_second_one_on_the_same_data_is_refused(berth: Berth) -> None:
    refused = run_once(PORT=str(free_port()), BERTH_DATA=str(berth.data))
    assert refused.returncode == 1
    assert "already runs on the data folder" in refused.stderr
    assert berth.status("/healthz") == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_stop_leaves_no_process(start: Callable[[], Berth], number: signal.Signals) -> None:
    berth = start()
    assert berth.stop(number) == 0
    assert gone(berth, 0) == []


def test_nothing_survives_a_killed_supervisor(start: Callable[[], Berth]) -> None:
    berth = start()
    berth.stop(signal.SIGKILL)
    assert gone(berth) == []


SMALL = {"model": "smollm2-135m-instruct", "workload": {"context": 512}}


def part(berth: Berth, word: str) -> psutil.Process | None:
    children = psutil.Process(berth.process.pid).children()
    return next((one for one in children if any(word in each for each in one.cmdline())), None)


def engine(launch: str) -> list[int]:
    """Pids of the model server of a launch."""
    found = []
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            if one.environ().get(MARKER) == launch:
                found.append(one.pid)
    return found


@pytest.mark.parametrize("word", ["celery", "granian", "valkey-server"])
def test_a_part_that_dies_is_started_again_while_models_live_on(start: Callable[[], Berth], word: str) -> None:
    berth = start()
    client = Client(berth, berth.token())
    launch = client.send("POST", "launches/", SMALL)[1]["id"]
    client.until(launch, "ready")
    before, dead = engine(launch), part(berth, word)
    assert dead
    dead.kill()
    deadline = time.monotonic() + 30
    while "it is started again" not in berth.log.read_text() or not part(berth, word):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while not answers(berth):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (client.until(launch, "ready")["status"], engine(launch)) == ("ready", before)
    client.send("DELETE", f"launches/{launch}/")  # web server, broker and worker all take part in that
    notes = [event["note"] for event in client.until(launch, "stopped")["events"]]
    assert notes[-2:] == ["asked to stop", "nothing of it runs any more"]
    assert berth.stop() == 0
    assert gone(berth, 0) == []


def answers(berth: Berth) -> bool:
    with suppress(OSError):
        return berth.status("/healthz") == 200
    return False


def test_what_dies_again_and_again_is_given_up_with_a_sentence(start: Callable[[], Berth]) -> None:
    berth = start()
    while berth.process.poll() is None:
        with suppress(psutil.Error):
            if one := part(berth, "celery"):
                one.kill()
        time.sleep(0.05)
    assert berth.process.returncode == 1
    assert "the worker ended 5 times in 10 minutes; stopping." in berth.log.read_text()
    assert gone(berth, 0) == []


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Another program writes to the database and does not finish."""
    with closing(sqlite3.connect(data / DATABASE, timeout=5, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def garbage(data: Path) -> Iterator[None]:
    (data / DATABASE).write_bytes(b"not a database" * 1000)
    yield


@pytest.mark.parametrize("trouble", [locked, garbage])
def test_a_stop_without_a_database_leaves_no_model_either(
    start: Callable[[], Berth], trouble: Callable[[Path], AbstractContextManager[None]]
) -> None:
    berth = start()
    client = Client(berth, berth.token())
    launch = client.send("POST", "launches/", SMALL)[1]["id"]
    client.until(launch, "ready")
    with trouble(berth.data):
        assert berth.stop() == 0
    assert engine(launch) == []
    assert gone(berth, 0) == []


def run_once(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "config.supervisor"]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=30, check=False
    )


def test_a_busy_port_is_one_plain_sentence(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        refused = run_once(PORT=str(port), BERTH_DATA=str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"port {port} on 127.0.0.1 cannot be used" in refused.stderr
