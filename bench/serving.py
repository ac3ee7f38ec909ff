"""Starts a Berth web server for the benchmark scripts, with a keep-alive client."""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

BENCH = Path(__file__).resolve().parent
OURS = "config.asgi:application"
PADDED = "padded_asgi:application"  # served/padded_asgi.py, with BENCH_MODELS models
MIB = 1 << 20
QUESTION = {
    "hardware": {"text": "RTX 4090, 64 GB RAM"},
    "workload": {"use_case": "coding", "context": 32768},
}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Client:
    """One keep-alive connection. `ask` returns the answer's bytes, `timed` the milliseconds."""

    def __init__(self, port: int) -> None:
        self.link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, question: dict[str, Any]) -> bytes:
        body = json.dumps(question).encode()
        return self.send("POST", "/api/v1/recommendations/", body, {"Content-Type": "application/json"})

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        self.link.request(method, path, body, headers or {})
        reply = self.link.getresponse()
        content = reply.read()
        if reply.status != 200:
            raise RuntimeError(f"{path} answered {reply.status}: {content[:200]!r}")
        return content

    def timed(self, question: dict[str, Any]) -> float:
        start = time.perf_counter()
        self.ask(question)
        return 1e3 * (time.perf_counter() - start)


class Server:
    """A running web server and its processes."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port, self.process = port, process

    def client(self) -> Client:
        return Client(self.port)

    def rss(self) -> list[int]:
        """Resident bytes of each worker process."""
        return [child.memory_info().rss for child in psutil.Process(self.process.pid).children(recursive=True)]


@contextmanager
def berth(application: str = OURS, workers: int = 1, **environment: str) -> Iterator[Server]:
    """Serves as `make run` does, on the data folder that BERTH_DATA names."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "granian", "--interface", "asginl", "--port", str(port), "--workers", str(workers)),
        *("--http", "1", "--no-ws", "--log-level", "warning", application),
    ]
    search = os.pathsep.join(map(str, (BENCH.parent, BENCH, BENCH / "served")))
    given = os.environ | {"PYTHONPATH": search, "MALLOC_ARENA_MAX": "1"} | environment
    child = subprocess.Popen(command, cwd=BENCH.parent, env=given)  # noqa: S603
    try:
        wait(child, port)
        yield Server(port, child)
    finally:
        child.terminate()
        child.wait(10)


@contextmanager
def seeded() -> Iterator[Path]:
    """Sets up Django on a temporary data folder with the seed catalog in its database; yields the folder."""
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, str(BENCH.parent))
        os.environ |= {"BERTH_DATA": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("load_catalog", stdout=io.StringIO())
        yield Path(folder)


def wait(child: subprocess.Popen[bytes], port: int, seconds: float = 300) -> None:
    """Waits until the first question is answered. Raises RuntimeError when the server exits or the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.2)
        with suppress(OSError, http.client.HTTPException):
            Client(port).ask(QUESTION)
            return
    raise RuntimeError("The web server did not start.")


def answered(
    server: Server, questions: Sequence[dict[str, Any]], seconds: float, clients: int
) -> tuple[float, list[float]]:
    """Requests per second while `clients` clients ask in a loop for `seconds`, and each request's milliseconds,
    sorted.
    """
    took: list[float] = []
    end = time.monotonic() + seconds

    def ask(first: int) -> None:
        client, i = server.client(), first
        while time.monotonic() < end:
            took.append(client.timed(questions[i % len(questions)]))
            i += clients

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(clients)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(took) / (time.monotonic() - start), sorted(took)


def percentile(took: Sequence[float], share: float) -> float:
    ordered = sorted(took)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
