"""The supervisor of `make run`: starts broker, database, worker with beat and web server, starts again
what dies, and ends them together.

Free of Django: this process only starts, watches and ends others, and stays at some 15 MB.
"""

from __future__ import annotations

import signal

if __name__ == "__main__":  # before the rest is loaded: Ctrl-C meanwhile is an end, not a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import contextlib
import errno
import fcntl
import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from config import embedded, settings
from config.children import spawn_child, stop, stop_after

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]
WORKER = [
    *(sys.executable, "-m", "celery", "-A", "config.celery", "--skip-checks", "-q", "worker", "--with-beat"),
    *("-Q", settings.HOST_QUEUE, "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"),
]
WEB = [
    *(sys.executable, "-m", "granian", "--interface", "asginl", "--host", settings.BIND, "--port", str(settings.PORT)),
    *("--workers", str(settings.WEB_WORKERS), "--http", "1", "--no-ws"),
    *("--workers-kill-timeout", "2", "--log-level", "warning", "config.asgi:application"),
]
# Seconds that each may take to end by itself; a second Ctrl-C changes nothing, as the shutdown is bounded anyway.
GRACE = {"web": 4, "worker": 8, "engines": 20, "broker": 3}
READY_SECONDS = 60
# A part that dies is started again after half a second, then one, two, four; five deaths in ten minutes are no
# accident.
FIRST_PAUSE, MOST_DEATHS, DEATHS_WITHIN = 0.5, 4, 600
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


Children = dict[str, subprocess.Popen[bytes]]


def start_broker(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A broker of our own; one that is started again answers at the address that the others know."""
    broker, url = embedded.start(settings.BERTH_DATA / "broker", environment.get("REDIS_URL", ""))
    environment["REDIS_URL"] = url
    try:
        write_secret(settings.BROKER_FILE, url)
    except OSError:
        stop(broker, GRACE["broker"])
        raise
    return broker


def operator_key() -> str:
    """A new key for each start, also left in a file of this user alone; empty where no link is to work."""
    settings.OPERATOR_FILE.unlink(missing_ok=True)
    if not settings.LOCAL_OPERATOR:
        return ""
    key = secrets.token_urlsafe(32)
    with contextlib.suppress(OSError):  # a full disk: the link is printed all the same
        write_secret(settings.OPERATOR_FILE, key)
    return key


def write_secret(path: Path, text: str) -> None:
    """Write all of it or raise OSError, which names the path."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if os.write(descriptor, text.encode()) < len(text.encode()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        path.unlink(missing_ok=True)
        error.filename = str(path)
        raise
    finally:
        os.close(descriptor)


def first_ended(children: Children, seconds: float) -> str | None:
    """The name of a child that has ended, None after `seconds`. Raises Stopped after SIGTERM or Ctrl-C."""
    deadline = time.monotonic() + seconds
    while not stop_asked:
        for name, process in children.items():
            if process.poll() is not None:
                return name
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.05)
    raise Stopped


def pause(children: Children, seconds: float) -> None:
    """Sleep while everything starts. Raises RuntimeError when a child ends meanwhile, Stopped as `first_ended`."""
    if name := first_ended(children, seconds):
        raise RuntimeError(f"the {name} ended by itself ({how_it_ended(children[name])}); stopping.")


def how_it_ended(process: subprocess.Popen[bytes]) -> str:
    return f"exit status {process.returncode}" if process.returncode >= 0 else f"signal {-process.returncode}"


def tend(children: Children, starters: dict[str, Callable[[], subprocess.Popen[bytes]]]) -> None:
    """Start again what dies, later each time; models run on meanwhile. Raises RuntimeError when it dies too often."""
    deaths: dict[str, list[float]] = {name: [] for name in starters}
    due: dict[str, float] = {}
    while True:
        ended = first_ended(children, max(0.0, min(due.values(), default=float("inf")) - time.monotonic()))
        now = time.monotonic()
        if ended:
            dead = children.pop(ended)
            stop_after(dead, 0)  # what it had started itself
            how = how_it_ended(dead)
            deaths[ended] = [at for at in deaths[ended] if now - at < DEATHS_WITHIN] + [now]
            if len(deaths[ended]) > MOST_DEATHS:
                minutes = DEATHS_WITHIN // 60
                raise RuntimeError(f"the {ended} ended {len(deaths[ended])} times in {minutes} minutes; stopping.")
            due[ended] = now + FIRST_PAUSE * 2 ** (len(deaths[ended]) - 1)
            print(f"Berth: the {ended} ended by itself ({how}); it is started again.", file=sys.stderr, flush=True)
        for name in [name for name, at in due.items() if at <= now]:
            del due[name]
            children[name] = starters[name]()


def prepare(children: Children, options: dict[str, Any]) -> None:
    child = spawn_child([*MANAGE, "prepare", "--snapshot"], **options)
    try:
        while child.poll() is None:
            pause(children, 0.02)
    finally:
        stop(child, 2)
    if child.returncode:
        raise RuntimeError("the database is not ready; the lines above say why.")


def wait_until_ready(children: Children) -> None:
    host = settings.ALLOWED_HOSTS[0].lstrip(".") if settings.ALLOWED_HOSTS else "localhost"
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        pause(children, 0.02)
        link = http.client.HTTPConnection(settings.BIND, settings.PORT, timeout=10)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(link):
            link.request("GET", "/healthz", headers={"Host": host})
            if link.getresponse().status < 500:
                return
    raise RuntimeError(f"the web server does not answer after {READY_SECONDS} s.")


def announce(key: str) -> None:
    host = f"[{settings.BIND}]" if ":" in settings.BIND else settings.BIND
    python = os.path.relpath(sys.executable)
    manage = f"{sys.executable if python.startswith('..') else python} manage.py"
    print(
        f"Berth is at http://{host}:{settings.PORT}/  (admin user: {manage} createsuperuser; "
        f"API token: {manage} token NAME --scopes read,recommend,launch; stop: Ctrl-C)",
        flush=True,
    )
    if key:
        print(f"Launch from your browser: http://{host}:{settings.PORT}/operator/?key={key}", flush=True)


def end(children: Children, options: dict[str, Any], *, served: bool) -> bool:
    """Shut down in order: web server (no new requests), worker (nothing acts on them), models, broker.

    False if models may still be running; what is left has been said.
    """
    clean = True
    for name in ("web", "worker"):
        if name in children:
            stop(children[name], GRACE[name])
    if served:
        engines = spawn_child([*MANAGE, "stopall", "--timeout", str(GRACE["engines"] - 8)], **options)
        stop_after(engines, GRACE["engines"])
        clean = engines.returncode == 0
    if "broker" in children:
        stop(children["broker"], GRACE["broker"])
        settings.BROKER_FILE.unlink(missing_ok=True)
    settings.OPERATOR_FILE.unlink(missing_ok=True)
    if not clean:
        print("Berth: model servers may still be running; the lines above say which.", file=sys.stderr)
    return clean


def run() -> int:
    children: Children = {}
    # One malloc arena for all threads: with one each, the web process holds 15 MB more, and the GIL runs one thread at
    # a time anyway.
    environment = {"MALLOC_ARENA_MAX": "1"} | os.environ
    environment |= {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONUNBUFFERED": "1"}
    options = {"env": environment, "cwd": settings.BASE_DIR, "stdin": subprocess.DEVNULL}
    starters = {"web": partial(spawn_child, WEB, **options), "worker": partial(spawn_child, WORKER, **options)}
    if not settings.REDIS_URL:
        starters = {"broker": partial(start_broker, environment)} | starters
    key = environment["BERTH_OPERATOR_KEY"] = operator_key()
    status, served, clean = 1, False, False
    try:
        if "broker" in starters:
            children["broker"] = starters["broker"]()
        prepare(children, options)
        served = True
        children["web"] = starters["web"]()
        wait_until_ready(children)
        children["worker"] = starters["worker"]()
        announce(key)
        tend(children, starters)
    except Stopped:
        status = 0
    except RuntimeError as error:
        print(f"Berth: {error}", file=sys.stderr)
    except OSError as error:
        print(f"Berth: {error.filename or settings.BERTH_DATA}: {error.strerror}.", file=sys.stderr)
    finally:
        clean = end(children, options, served=served)
    return status if clean else 1


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
