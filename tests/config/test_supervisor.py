from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from config.embedded import free_port
from tests.plugin.berth import ROOT, Berth

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


@pytest.mark.parametrize("child", ["celery", "granian", "valkey-server"])
def test_a_child_that_dies_ends_the_rest_with_a_sentence(start: Callable[[], Berth], child: str) -> None:
    berth = start()
    children = psutil.Process(berth.process.pid).children()
    next(c for c in children if any(child in word for word in c.cmdline())).kill()
    assert berth.process.wait(30) == 1
    assert "ended by itself (exit status -9)" in berth.log.read_text()
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
