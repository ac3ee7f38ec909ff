"""The supervisor of `make run`: starts broker, database, worker with beat and web server, and ends them together.

Free of Django: this process only starts, watches and ends others, and stays at some 15 MB.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from config import embedded, settings
from config.children import spawn_child, stop, stop_after

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]
WORKER = [
    *(sys.executable, "-m", "celery", "-A", "config.celery", "--skip-checks", "-q", "worker", "--with-beat"),
    *("-Q", settings.HOST_QUEUE, "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"),
]
WEB = [
    *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", settings.BIND, "--port", str(settings.PORT)),
    *("--workers", str(settings.WEB_WORKERS), "--blocking-threads", "4", "--http", "1", "--no-ws"),
    *("--workers-kill-timeout", "2", "--log-level", "warning", "config.wsgi:application"),
]
# Seconds that each may take to end by itself; a second Ctrl-C changes nothing, as the shutdown is bounded anyway.
GRACE = {"web": 4, "worker": 8, "engines": 20, "broker": 3}
READY_SECONDS = 60
stop_asked: list[bool] = []


class Stopped(Exception):
    """SIGTERM or Ctrl-C."""


def refuse(sentence: str) -> None:
    sys.exit(f"Berth: {sentence}")


def check_port() -> None:
    family = socket.AF_INET6 if ":" in settings.BIND else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.BIND, settings.PORT))
        except OSError as error:
            refuse(
                f"port {settings.PORT} on {settings.BIND} cannot be used ({error.strerror}); "
                f"choose another, for example: PORT={settings.PORT % 65535 + 1} make run"
            )


@contextlib.contextmanager
def sole_owner() -> Iterator[None]:
    """One Berth per data folder: two would stop each other's models. The kernel drops the lock with the process."""
    settings.BERTH_DATA.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.BERTH_DATA / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            refuse(f"another one already runs on the data folder {settings.BERTH_DATA}; stop it or set BERTH_DATA.")
        yield


def start_broker(children: dict[str, subprocess.Popen[bytes]], environment: dict[str, str]) -> None:
    if settings.REDIS_URL:
        return
    children["broker"], url = embedded.start(settings.BERTH_DATA / "broker")
    environment["REDIS_URL"] = url
    settings.BROKER_FILE.unlink(missing_ok=True)
    with open(os.open(settings.BROKER_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(url)


def pause(children: dict[str, subprocess.Popen[bytes]], seconds: float) -> None:
    """Sleep for `seconds`. Raises RuntimeError when a child ends meanwhile, Stopped after SIGTERM or Ctrl-C."""
    deadline = time.monotonic() + seconds
    while not stop_asked:
        for name, process in children.items():
            if process.poll() is not None:
                raise RuntimeError(f"the {name} ended by itself (exit status {process.returncode}); stopping.")
        if time.monotonic() >= deadline:
            return
        time.sleep(0.05)
    raise Stopped


def prepare(children: dict[str, subprocess.Popen[bytes]], options: dict[str, Any]) -> None:
    child = spawn_child([*MANAGE, "prepare", "--snapshot"], **options)
    try:
        while child.poll() is None:
            pause(children, 0.02)
    finally:
        stop(child, 2)
    if child.returncode:
        raise RuntimeError("the database is not ready; the lines above say why.")


def wait_until_ready(children: dict[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        pause(children, 0.02)
        link = http.client.HTTPConnection(settings.BIND, settings.PORT, timeout=10)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(link):
            link.request("GET", "/healthz", headers={"Host": "localhost"})
            if link.getresponse().status < 500:
                return
    raise RuntimeError(f"the web server does not answer after {READY_SECONDS} s.")


def announce() -> None:
    host = f"[{settings.BIND}]" if ":" in settings.BIND else settings.BIND
    python = os.path.relpath(sys.executable)
    manage = f"{sys.executable if python.startswith('..') else python} manage.py"
    print(
        f"Berth is at http://{host}:{settings.PORT}/  (admin user: {manage} createsuperuser; "
        f"API token: {manage} token NAME --scopes read,recommend,launch; stop: Ctrl-C)",
        flush=True,
    )


def end(children: dict[str, subprocess.Popen[bytes]], options: dict[str, Any]) -> None:
    """Shut down in order: web server (no new requests), worker (nothing acts on them), models, broker."""
    served = "web" in children
    for name in ("web", "worker"):
        if name in children:
            stop(children[name], GRACE[name])
    if served:
        engines = spawn_child([*MANAGE, "stopall", "--timeout", str(GRACE["engines"] - 5)], **options)
        stop_after(engines, GRACE["engines"])
    if "broker" in children:
        stop(children["broker"], GRACE["broker"])
        settings.BROKER_FILE.unlink(missing_ok=True)


def run() -> int:
    children: dict[str, subprocess.Popen[bytes]] = {}
    # One malloc arena for all threads: with one each, the web process holds 15 MB more, and the GIL runs one thread at
    # a time anyway.
    environment = {"MALLOC_ARENA_MAX": "1"} | os.environ
    environment |= {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONUNBUFFERED": "1"}
    options = {"env": environment, "cwd": settings.BASE_DIR, "stdin": subprocess.DEVNULL}
    try:
        start_broker(children, environment)
        prepare(children, options)
        children["web"] = spawn_child(WEB, **options)
        wait_until_ready(children)
        children["worker"] = spawn_child(WORKER, **options)
        announce()
        while True:
            pause(children, 3600)
    except Stopped:
        return 0
    except RuntimeError as error:
        print(f"Berth: {error}", file=sys.stderr)
        return 1
    finally:
        end(children, options)


def main() -> int:
    # Only recorded here and raised in `pause`: an exception out of a signal handler can leave Popen's lock held for
    # ever.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_asked.append(True))
    check_port()
    with sole_owner():
        return run()


if __name__ == "__main__":
    sys.exit(main())
