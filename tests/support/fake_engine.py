"""A server that takes llama-server's flags and misbehaves as told by switches in front of them."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--port", type=int)
parser.add_argument("--alias")
parser.add_argument("--slow", type=float, default=0, help="seconds of loading, with a line each 0.1 s")
parser.add_argument("--hang", action="store_true", help="loads for ever and says nothing")
parser.add_argument("--crash", help="says this and ends with 1")
parser.add_argument("--crash-when-ready", type=float, help="ends this many seconds after it began to serve")
parser.add_argument("--ignore-term", action="store_true")
parser.add_argument(
    "--setsid", action="store_true", help="leaves a grandchild in a session of its own that ignores TERM"
)
parser.add_argument("--lie", help="serves under this name instead of its alias")
parser.add_argument(
    "--elsewhere", action="store_true", help="says that it serves, and lets another program have the port"
)
parser.add_argument("--spam", type=int, default=0, help="bytes of log at once")
parser.add_argument("--grow", type=int, default=0, help="bytes more that it holds after GET /grow, until GET /shrink")
parser.add_argument("--steal-once", help="the first time, finds its port taken; this file remembers that")
options, _ = parser.parse_known_args()


def say(line: str) -> None:
    print(line, flush=True)


held = {}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path in ("/grow", "/shrink"):
            held["more"] = b"x" * options.grow if self.path == "/grow" else b""
        body = {"/health": {"status": "ok"}, "/v1/models": {"data": [{"id": options.lie or options.alias}]}}
        self.answer(body.get(self.path))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        timings = {"predicted_n": 32, "predicted_per_second": 50.0}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"data: " + json.dumps({"timings": timings}).encode() + b"\n\ndata: [DONE]\n\n")

    def answer(self, body: object) -> None:
        self.send_response(200 if body else 404)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args: object) -> None:
        pass


if options.ignore_term:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if options.setsid:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
say(f"visible: {os.environ.get('CUDA_VISIBLE_DEVICES')!r} secret: {os.environ.get('SECRET_KEY')!r}")
say("load_tensors:          CPU model buffer size =    10.00 MiB")
if options.spam:
    chunk = "x" * 999 + "\n"
    for _ in range(options.spam // 1000):
        sys.stdout.write(chunk)
    sys.stdout.flush()
end = time.monotonic() + options.slow
while time.monotonic() < end:
    say("loading")
    time.sleep(0.1)
if options.steal_once and not os.path.exists(options.steal_once):
    open(options.steal_once, "w").close()
    sys.exit(f"couldn't bind HTTP server socket, hostname: 127.0.0.1, port: {options.port}")
if options.crash:
    say(options.crash)
    sys.exit(1)
if options.hang or options.elsewhere:
    time.sleep(600)
server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
assert server.socket.family == socket.AF_INET
if options.crash_when_ready:
    signal.setitimer(signal.ITIMER_REAL, options.crash_when_ready)
server.serve_forever()
