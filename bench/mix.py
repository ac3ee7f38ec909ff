"""The actors of `soak.py`: who asks, launches, dawdles, kills, fills the disk and turns the clock."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from answer_time import HARDWARE, USE_CASES

LAUNCHED = {"host": "local", "model": "smollm2-135m-instruct", "workload": {"context": 2048}}
FINAL = ("stopped", "failed", "lost")


class Watched:
    """What was answered: statuses by kind of request, milliseconds by kind, and what should not have happened."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.over = threading.Event()
        self.excused_until = 0.0  # until then a refused connection is the web server's restart
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.took: defaultdict[str, list[float]] = defaultdict(list)
        self.faults: list[str] = []
        self.start = time.monotonic()

    def fault(self, sentence: str) -> None:
        self.faults.append(f"minute {(time.monotonic() - self.start) / 60:.1f}: {sentence}")

    def ask(self, kind: str, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """The status, 0 for a connection that broke, and the content of an answer."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        began, status, content, wait = time.monotonic(), 0, b"", None
        try:
            link.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = link.getresponse()
            status, content, wait = answer.status, answer.read(), answer.headers.get("Retry-After")
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() > self.excused_until:
                self.fault(f"{method} {path}: {error!r}")
        finally:
            link.close()
        self.statuses[kind, status] += 1
        self.took[kind].append(1e3 * (time.monotonic() - began))
        if status >= 500 and not (status == 503 and wait):
            self.fault(f"{method} {path}: {status} {content[:200]!r}")
        return status, content


def ask_questions(to: Watched, rate: float) -> None:
    dice = random.Random(5)  # noqa: S311  the same questions every time
    while not to.over.wait(dice.expovariate(rate)):
        workload = {"use_case": dice.choice(USE_CASES), "context": dice.randrange(2048, 100_000, 256)}
        question = {"hardware": {"text": dice.choice(HARDWARE)}, "workload": workload}
        kind, method, path, body = dice.choice(
            [
                ("answer", "POST", "/api/v1/recommendations/", question),
                ("answer", "POST", "/api/v1/recommendations/", question),
                ("page", "GET", "/", None),
                ("page", "GET", "/launches/", None),
                ("lists", "GET", "/api/v1/launches/?limit=5", None),
                ("lists", "GET", "/api/v1/hosts/", None),
            ]
        )
        to.ask(kind, method, path, body)


def ask_health(to: Watched) -> None:
    while not to.over.wait(1):
        to.ask("health", "GET", "/healthz")


def launch_and_stop(to: Watched) -> None:
    """One model after another: asked for, waited for, kept for a while and stopped."""
    while not to.over.wait(5):
        status, content = to.ask("launch", "POST", "/api/v1/launches/", LAUNCHED)
        if status != 201:
            continue
        where = f"/api/v1/launches/{json.loads(content)['id']}/"
        reach(to, where, ("ready", *FINAL), 90)
        if to.over.wait(10):
            return
        while to.ask("stop", "DELETE", where)[0] not in (200, 202) and not to.over.wait(2):
            pass  # a full disk, or a web server that was just killed: ask again, as the answer says
        if reach(to, where, FINAL, 60) not in FINAL:
            to.fault(f"{where} did not end within a minute")


def reach(to: Watched, where: str, wanted: tuple[str, ...], seconds: float) -> str:
    said, deadline = "", time.monotonic() + seconds
    while said not in wanted and time.monotonic() < deadline:
        time.sleep(1)
        status, content = to.ask("launch", "GET", where)
        said = json.loads(content)["status"] if status == 200 else said
    return said


def dawdle(to: Watched) -> None:
    """A client that sends a byte of its body a second for as long as it may."""
    head = (
        "POST /api/v1/recommendations/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 100000\r\n\r\n"
    )
    while not to.over.wait(0.5):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", to.port), timeout=5) as link:
            link.sendall(head.encode())
            while not to.over.wait(1):
                link.sendall(b" ")


def kill_a_part(to: Watched, supervisor: psutil.Process, every: float) -> None:
    """Kills web server, worker, broker and engines in turn, without a warning."""
    dice, turn = random.Random(7), 0  # noqa: S311  the same parts every time
    while not to.over.wait(every):
        wanted = ("granian", "celery", "valkey", "llama")[turn % 4]
        turn += 1
        with contextlib.suppress(psutil.NoSuchProcess):
            parts = [p for p in supervisor.children(recursive=True) if wanted in role(p)]
            if wanted == "granian":
                to.excused_until = time.monotonic() + 20
            if parts:  # the web server's own parent or its child, a worker's or a helper of it
                dice.choice(parts).kill()
                to.statuses[f"killed: {wanted}", 9] += 1


def role(process: psutil.Process) -> str:
    """What a process of Berth is: supervisor, granian, celery, valkey, llama or other."""
    try:
        words = " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
        return "gone"
    known = {"config.supervisor": "supervisor", "granian": "granian", "celery": "celery", "valkey": "valkey"}
    known |= {"redis-server": "valkey", "llama": "llama", "wheel_server": "llama"}
    return next((name for word, name in known.items() if word in words), "other")


def fill_and_clear(to: Watched, folder: Path, every: float) -> None:
    """Takes all room on the data folder's file system for a while."""
    ballast = folder / "ballast"
    while not to.over.wait(every):
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        to.statuses["disk filled", 1] += 1
        to.over.wait(min(30, every / 4))
        ballast.unlink(missing_ok=True)


def turn_the_clock(to: Watched, file: Path, every: float) -> None:
    """An hour back, then an hour ahead of the truth, then right again."""
    turn = 0
    while not to.over.wait(every):
        file.write_text(str((-3600, 3600, 0)[turn % 3]))
        to.statuses["clock turned", 1] += 1
        turn += 1
    file.write_text("0")


def start(actors: list[Callable[[], None]]) -> list[threading.Thread]:
    threads = [threading.Thread(target=actor, daemon=True) for actor in actors]
    for thread in threads:
        thread.start()
    return threads
