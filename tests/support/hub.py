"""A loopback server with the hub's API over real files, which misbehaves on demand."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import prod
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from catalog.safetensors import TYPES

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Hub:
    """`files`: "organisation/name" -> path -> local file; `about`: further fields of the API's answer."""

    files: dict[str, dict[str, Path]] = field(default_factory=dict)
    about: dict[str, dict[str, Any]] = field(default_factory=dict)
    instead: dict[str, Reply] = field(default_factory=dict)  # part of a path -> the reply to send instead
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def add(self, hub_id: str, files: dict[str, Path], **about: Any) -> None:
        self.files[hub_id], self.about[hub_id] = files, about

    def info(self, hub_id: str) -> dict[str, Any]:
        siblings = []
        for name, path in self.files[hub_id].items():
            row: dict[str, Any] = {"rfilename": name, "size": path.stat().st_size, "blobId": "0" * 40}
            if name.endswith((".gguf", ".safetensors")):
                digest = digest_of(path, path.stat().st_size)
                row["lfs"] = {"sha256": digest, "size": row["size"], "pointerSize": 134}
            siblings.append(row)
        base = {"id": hub_id, "sha": COMMIT, "siblings": siblings, "createdAt": "2026-10-02T08:00:00.000Z", "tags": []}
        return base | self.about[hub_id]


@cache
def digest_of(path: Path, size: int) -> str:
    """Of huge hollow files nobody wants the real one."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if size < 1 << 27 else hashlib.sha256().hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.hub.asked.append((path, {name.lower(): value for name, value in self.headers.items()}))
        for part, reply in self.hub.instead.items():
            if part in path:
                reply(self)
                return
        if path.startswith("/api/models/"):
            hub_id = path.removeprefix("/api/models/")
            if hub_id not in self.hub.files:
                send(self, b'{"error": "Repository not found"}', 404, **{"X-Error-Code": "RepoNotFound"})
                return
            send(self, json.dumps(self.hub.info(hub_id)).encode())
            return
        found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path)
        file = self.hub.files.get(found[1], {}).get(found[2]) if found else None
        if file is None:
            send(self, b"", 404)
            return
        send_file(self, file)


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def send_file(handler: BaseHTTPRequestHandler, path: Path) -> None:
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
    size = path.stat().st_size
    with path.open("rb") as file:
        if not asked:
            send(handler, file.read())
            return
        start, stop = int(asked[1]), min(int(asked[2] or size) + 1, size)
        file.seek(start)
        send(handler, file.read(stop - start), 206, **{"Content-Range": f"bytes {start}-{stop - 1}/{size}"})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: Any) -> None:
        """Clients disconnect from replies that they refuse: print nothing."""


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# ---------------------------------------------------------------- misbehaviour


def named(name: str, reply: Reply) -> Reply:
    """Sets the name under which the reply appears among a test's parameter ids."""
    reply.__name__ = name  # type: ignore[attr-defined]
    return reply


def redirect(target: str) -> Reply:
    return named(f"redirect to {target}", lambda handler: send(handler, b"", 302, Location=target))


def status(number: int) -> Reply:
    return named(f"status {number}", lambda handler: send(handler, b"", number))


def body(content: bytes, **headers: str) -> Reply:
    return named(content[:60].decode(errors="replace"), lambda handler: send(handler, content, **headers))


def silent(seconds: float) -> Reply:
    return named(f"silence of {seconds} s", lambda handler: time.sleep(seconds))


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """Sends an endless header line, a few bytes at a time."""
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(400):
            handler.wfile.write(b"z")
            time.sleep(0.05)
    except OSError:
        handler.close_connection = True


def endless(handler: BaseHTTPRequestHandler) -> None:
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        for _ in range(1 << 16):
            handler.wfile.write(b" " * (1 << 16))
    except OSError:
        handler.close_connection = True


def broken(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
    handler.close_connection = True


# ---------------------------------------------------------------- files


def write_safetensors(path: Path, tensors: dict[str, tuple[str, tuple[int, ...]]], **changes: Any) -> Path:
    """A sparse file with a valid header: name -> (dtype, shape)."""
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, (dtype, shape) in tensors.items():
        size = prod(shape) * TYPES[dtype] // 8
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    header = json.dumps(entries | changes).encode()
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + end)
    return path
