"""Whose server it is, what it says, and what is left of its log, on servers that the test runs itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from advisor.launch import process
from advisor.launch.engine_health import Timings, complete, file_tail, get_json, log_bytes, names, owns
from hardware.processes import Identity
from tests.advisor.launch.conftest import Spawn, eventually

LISTENING = "import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"


@contextmanager
def server(pages: dict[str, Any], chat: bytes = b"") -> Iterator[int]:
    """A port where these paths answer as JSON, or as they are where they are bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(pages.get(self.path))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(chat)

        def answer(self, page: Any) -> None:
            self.send_response(404 if page is None else 200)
            self.end_headers()
            self.wfile.write(page if isinstance(page, bytes) else json.dumps(page).encode())

        def log_message(self, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running.server_address[1]
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def test_a_port_belongs_to_the_process_that_listens_on_it_or_to_its_parent(spawn: Spawn) -> None:
    port = process.free_port()
    listening = LISTENING.format(port=port)
    who = spawn(f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {listening!r}])")
    assert eventually(lambda: owns(who, port))
    assert not owns(who, process.free_port())
    me = Identity(os.getpid(), who.start_ticks, who.boot_id)
    assert not owns(me, port)  # not started when it says


def test_what_is_no_json_with_status_200_is_nothing() -> None:
    with server({"/good": {"a": 1}, "/words": b"hello"}) as port:
        assert get_json(port, "/good") == {"a": 1}
        assert get_json(port, "/words") is None
        assert get_json(port, "/missing") is None
    assert get_json(port, "/good") is None  # nobody is there any more


@pytest.mark.parametrize(
    ("listed", "ours"),
    [
        ({"data": [{"id": "other"}, {"id": "ours"}]}, True),
        ({"data": [{"id": "other"}]}, False),
        ({"data": "ours"}, False),
        (["ours"], False),
        (None, False),
    ],
)
def test_a_server_is_ours_when_it_lists_our_alias(listed: Any, ours: bool) -> None:
    with server({"/v1/models": listed, "/health": {"status": "ok"}}) as port:
        assert names(port, "ours", models="/v1/models", health="/health") is ours


def test_a_server_that_is_not_healthy_yet_is_not_ready_though_it_lists_us() -> None:
    with server({"/v1/models": {"data": [{"id": "ours"}]}}) as port:
        assert not names(port, "ours", models="/v1/models", health="/health")


def line(**timings: float) -> bytes:
    return b"data: " + json.dumps({"timings": timings}).encode() + b"\n\n"


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (line(prompt_per_second=900, predicted_n=32, predicted_per_second=50) + b"data: [DONE]\n", Timings(900, 50)),
        (line(prompt_per_second=900, predicted_n=1, predicted_per_second=9999), Timings(900, None)),
        (line(predicted_n=2, predicted_per_second=40) + b"data: {broken\n", Timings(None, 40)),
        (b"event: x\n\n", Timings()),
        (b"", Timings()),
    ],
    ids=["whole", "one token", "broken off", "no timings", "nothing"],
)
def test_speed_is_what_the_stream_told_until_it_ended(stream: bytes, found: Timings) -> None:
    with server({}, chat=stream) as port:
        assert complete(port, "ours", "Hello", chat="/chat", tokens=32, seconds=5) == found


def test_a_server_that_stays_silent_is_left_in_time() -> None:
    code = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); "
    code += "print(s.getsockname()[1], flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, text=True) as silent:
        assert silent.stdout
        port, begun = int(silent.stdout.readline()), time.monotonic()
        assert complete(port, "ours", "Hello", chat="/chat", tokens=32, seconds=0.3) == Timings()
        assert time.monotonic() - begun < 2
        silent.kill()


def test_the_tail_of_a_log_goes_on_in_its_predecessor(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert (file_tail(log), log_bytes(log)) == ("", 0)
    (tmp_path / "a.log.1").write_text("first " * 10)
    log.write_text("second")
    assert log_bytes(log) == 66
    assert file_tail(log, 12) == "first second"
    assert file_tail(log, 3) == "ond"
    log.write_bytes(b"\xff" + b"tail")
    assert file_tail(log, 5) == "\N{REPLACEMENT CHARACTER}tail"
