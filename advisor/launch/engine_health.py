"""Health check of our own server: a port that answers is ours only if our process owns it and it names our alias."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from advisor.launch import process
from hardware.processes import Identity
from rest.json_text import read_json

TIMEOUT = 2.0
LIMIT = 1 << 20  # bytes of an answer that are read at most


def owns(who: Identity, port: int) -> bool:
    """Whether the process or a descendant listens on `port`."""
    for one in process.tree(who):
        try:
            sockets = one.net_connections(kind="tcp")
        except psutil.Error:
            continue
        if any(s.status == psutil.CONN_LISTEN and s.laddr and s.laddr.port == port for s in sockets):
            return True
    return False


def get_json(port: int, path: str, *, host: str = "127.0.0.1") -> Any:
    """The JSON that `path` answers with status 200 within `TIMEOUT`, else None.

    No proxy and no redirects: it is our own machine.
    """
    deadline, body = time.monotonic() + TIMEOUT, b""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        while answer.status == 200 and (part := answer.read1(LIMIT)):
            body += part
            if len(body) > LIMIT or time.monotonic() > deadline:
                return None
        return read_json(body) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def names(port: int, alias: str, *, models: str, health: str) -> bool:
    """Whether the server on `port` is healthy and lists a model under exactly our alias."""
    listed = get_json(port, models)
    data = listed.get("data") if isinstance(listed, dict) else None
    known = isinstance(data, list) and any(isinstance(m, dict) and m.get("id") == alias for m in data)
    return known and get_json(port, health) is not None


@dataclass(frozen=True, slots=True)
class Timings:
    """Tokens per second by the server's own clock, None where it did not report them."""

    prefill: float | None = None
    decode: float | None = None


def complete(port: int, alias: str, prompt: str, *, chat: str, tokens: int, seconds: float) -> Timings:
    """The speed of one real completion (`timings` of llama-server).

    Streams, and stops after `seconds`, so that a slow model reports its speed after fewer tokens.
    """
    body = {
        "model": alias,
        "messages": [{"role": "user", "content": prompt}],
        **{"max_tokens": tokens, "stream": True, "temperature": 0, "timings_per_token": True, "cache_prompt": False},
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    deadline = time.monotonic() + seconds
    prefill = decode = None
    # If the answer breaks off, the timings received so far stand.
    broken = (OSError, http.client.HTTPException, ValueError, TypeError, AttributeError)
    with contextlib.closing(connection), contextlib.suppress(*broken):
        connection.request("POST", chat, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        while answer.status == 200 and time.monotonic() < deadline and (line := answer.readline(LIMIT)):
            if line.startswith(b"data: {"):
                timings = json.loads(line[6:]).get("timings") or {}
                prefill = timings.get("prompt_per_second", prefill)
                # The first token comes out of the prompt's own forward pass, so one token has no decode speed.
                if timings.get("predicted_n", 0) > 1:
                    decode = timings.get("predicted_per_second", decode)
    return Timings(prefill and float(prefill), decode and float(decode))


def log_bytes(log: Path) -> int:
    """Size of the log including the rotated one; while it changes, the engine is making progress."""
    return sum(p.stat().st_size for p in (log, log.with_name(log.name + ".1")) if p.exists())


def file_tail(log: Path, size: int = 1 << 16) -> str:
    """The last `size` bytes of the log, the rotated one included, as text."""
    text = b""
    for path in (log, log.with_name(log.name + ".1")):
        if len(text) < size and path.exists():
            with path.open("rb") as handle:
                handle.seek(max(0, path.stat().st_size - (size - len(text))))
                text = handle.read(size - len(text)) + text
    return text.decode("utf-8", "replace")
