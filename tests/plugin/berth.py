"""A complete Berth for end-to-end tests: the supervisor of `make run` with all its processes, on its own data."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import psutil

from config.embedded import free_port

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "berth.sqlite3"


class Berth:
    """A running Berth. `environment` is passed to all of its processes; `words` is the command that starts it.

    An empty data folder gets a database with the seed catalog, unless Berth is to start from `nothing`.
    """

    words: tuple[str, ...] = ("-m", "config.supervisor")

    def __init__(self, data: Path, *, nothing: bool = False, **environment: str) -> None:
        self.data = data
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.log = data / "out.log"
        data.mkdir(parents=True, exist_ok=True)
        self.environment = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "DJANGO_SETTINGS_MODULE")}
        self.environment |= {"BERTH_DATA": str(data), "PORT": str(self.port)} | environment
        if os.environ.get("DATABASE_URL") and "DATABASE_URL" not in environment:
            self.environment["DATABASE_URL"] = new_database()
        if not (nothing or self.environment.get("DATABASE_URL") or (data / DATABASE).exists()):
            shutil.copytree(prepared(), data, dirs_exist_ok=True)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *self.words],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self, seconds: float = 60) -> Berth:
        deadline = time.monotonic() + seconds
        while "Berth is at" not in self.log.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"Berth did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)
        return self

    def manage(self, *arguments: str) -> str:
        """The output of `manage.py ...` run on this Berth's data. Raises CalledProcessError when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout

    def token(self, scopes: str = "read,recommend,launch") -> str:
        return self.manage("token", f"test-{uuid.uuid4().hex[:6]}", "--scopes", scopes).strip().splitlines()[-1]

    def operator_link(self) -> str:
        """The address that this start printed for a browser."""
        return next(word for word in self.log.read_text().split() if "/operator/?key=" in word)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 45) -> int:
        """Send a signal to the supervisor, wait for its exit and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def kill(self) -> None:
        """Kill all of its processes, engines included: an orderly stop takes four seconds and has tests of its own."""
        with contextlib.suppress(psutil.NoSuchProcess):
            # Engines do not have our data folder in their environment: they are found as descendants.
            for one in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
        self.process.kill()
        self.process.wait()
        while left := self.processes():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.base_url + path, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def processes(self) -> list[int]:
        """Pids of all processes with this Berth's data folder in their environment, zombies excluded."""
        marker = f"BERTH_DATA={self.data}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if marker in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                    found.append(int(folder.name))
            except OSError:
                continue
        return found


def prepared() -> Path:
    """A data folder as the first start leaves it, created once and shared by all processes of a test run."""
    folder = Path(os.environ["BERTH_TESTS"]) / "prepared"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / DATABASE).exists():
            making = folder.with_suffix(".making")
            making.mkdir()
            environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {"BERTH_DATA": str(making)}
            command = [sys.executable, "manage.py", "prepare"]
            subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=90)
            making.rename(folder)
    return folder


def new_database() -> str:
    """Create a database on the test session's PostgreSQL server and return its URL."""
    import psycopg

    url, name = os.environ["DATABASE_URL"], f"berth_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    server, _, query = url.partition("?")
    return f"{server.rpartition('/')[0]}/{name}?{query}"
