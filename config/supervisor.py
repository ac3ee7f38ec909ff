"""`make run`: broker, database, worker with beat, web server; all end together.

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
from types import FrameType

from config import embedded, settings
from config.children import spawn, stop, wait_for_any

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]
WORKER = [
    *(sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--with-beat", "-Q", settings.HOST_QUEUE),
    *("--without-gossip", "--without-mingle", "--without-heartbeat", "--skip-checks", "-l", "WARNING"),
]
WEB = [
    *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", settings.BIND, "--port", str(settings.PORT)),
    *("--workers", str(settings.WEB_WORKERS), "--blocking-threads", "4", "--http", "1", "--no-ws"),
    *("--workers-kill-timeout", "5", "--log-level", "warning", "config.wsgi:application"),
]
# Seconds to end by themselves, in the order in which they are ended: no new wish, then nobody acts, then no broker.
GRACE = {"web": 6, "worker": 8, "broker": 3}
ENGINES_GRACE = 20
READY_SECONDS = 60


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


def wait_until_ready(children: dict[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if ended := wait_for_any(children, 0):
            refuse(f"the {ended} ended at once (exit status {children[ended].returncode}).")
        with contextlib.suppress(OSError, http.client.HTTPException):
            link = http.client.HTTPConnection(settings.BIND, settings.PORT, timeout=10)
            link.request("GET", "/healthz", headers={"Host": "localhost"})
            if link.getresponse().status < 500:
                return
        time.sleep(0.02)
    refuse(f"the web server does not answer after {READY_SECONDS} s.")


def announce() -> None:
    host = f"[{settings.BIND}]" if ":" in settings.BIND else settings.BIND
    print(
        f"Berth is at http://{host}:{settings.PORT}/  "
        f"(admin user: {sys.executable} manage.py createsuperuser; "
        f"API token: {sys.executable} manage.py token NAME --scopes read,recommend,launch; stop: Ctrl-C)",
        flush=True,
    )


def on_signal(number: int, frame: FrameType | None) -> None:
    # A second Ctrl-C must not cut the orderly end short: it is bounded anyway.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def run() -> int:
    children: dict[str, subprocess.Popen[bytes]] = {}
    environment = dict(os.environ, DJANGO_SETTINGS_MODULE="config.settings", PYTHONUNBUFFERED="1")
    options = {"env": environment, "cwd": settings.BASE_DIR, "stdin": subprocess.DEVNULL}
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    prepared = False
    try:
        start_broker(children, environment)
        prepare = spawn([*MANAGE, "prepare", "--snapshot"], **options)
        try:
            if prepare.wait():
                return 1
        finally:
            stop(prepare, 2)
        prepared = True
        children["worker"] = spawn(WORKER, **options)
        children["web"] = spawn(WEB, **options)
        wait_until_ready(children)
        announce()
        while not (ended := wait_for_any(children, 3600)):
            pass
        print(f"Berth: the {ended} ended (exit status {children[ended].returncode}); stopping.", file=sys.stderr)
        return 1
    except Stopped:
        return 0
    except RuntimeError as error:
        refuse(str(error))
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for name in ("web", "worker"):
            if name in children:
                stop(children[name], GRACE[name])
        if prepared:
            engines = spawn([*MANAGE, "stopall", "--timeout", str(ENGINES_GRACE - 5)], **options)
            with contextlib.suppress(subprocess.TimeoutExpired):
                engines.wait(ENGINES_GRACE)
            stop(engines, 1)
        if "broker" in children:
            stop(children["broker"], GRACE["broker"])
            settings.BROKER_FILE.unlink(missing_ok=True)


def main() -> int:
    check_port()
    with sole_owner():
        return run()


if __name__ == "__main__":
    sys.exit(main())
