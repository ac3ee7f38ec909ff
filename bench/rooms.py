"""Traces the files that a request passes through, and how often it returns to one it has already left.

    python bench/rooms.py [--show]

A step is a call from one file of this repository into another; each pair of files counts once. A return is a step into
a file that was entered before; it climbs back when that file is still on the call stack. The fit is pure and counts as
one file.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from serving import seeded

ROOT = Path(__file__).resolve().parents[1]
OURS = ("advisor", "catalog", "hardware", "rest")
MODEL = "smollm2-135m-instruct"  # its file comes with a package


class Trace:
    """Profiler callback that records the steps."""

    def __init__(self) -> None:
        self.stack: list[str | None] = []
        self.steps: list[tuple[str, str]] = []
        self.climbs: set[tuple[str, str]] = set()

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "call":
            here = next((file for file in reversed(self.stack) if file), "the framework")
            file = file_of(frame.f_code)
            if file and file != here and (here, file) not in self.steps:
                self.steps.append((here, file))
                if file in self.stack:
                    self.climbs.add((here, file))
            self.stack.append(file)
        elif event == "return" and self.stack:
            self.stack.pop()


def file_of(code: CodeType) -> str | None:
    path = Path(code.co_filename)
    if not path.is_relative_to(ROOT) or path.relative_to(ROOT).parts[0] not in OURS:
        return None
    name = str(path.relative_to(ROOT))
    return "advisor/fit" if name.startswith("advisor/fit/") else name


def report(name: str, request: Callable[[], None], *, show: bool) -> None:
    request()  # warm-up, so that imports and caches are not traced
    trace = Trace()
    sys.setprofile(trace)
    try:
        request()
    finally:
        sys.setprofile(None)
    files = list(dict.fromkeys(file for _, file in trace.steps))
    again = [step for i, step in enumerate(trace.steps) if step[1] in {file for _, file in trace.steps[:i]}]
    rooms = {file.rpartition("/")[0] or file for file in files}
    print(f"{name}: {len(files)} files in {len(rooms)} folders, {len(again)} returns, {len(trace.climbs)} climb back")
    for here, file in trace.steps if show else ():
        mark = " ^" if (here, file) in trace.climbs else " <" if (here, file) in again else ""
        print(f"    {here} -> {file}{mark}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="every step; < comes back to a file, ^ climbs back")
    options = parser.parse_args()
    with seeded():
        from django.core.management import call_command
        from django.test import Client

        from hardware.snapshots import refresh

        refresh()
        written = io.StringIO()
        call_command("token", "rooms", scopes="launch", stdout=written)
        token = next(word for word in written.getvalue().split() if word.startswith("brt_"))
        client, contexts = Client(REMOTE_ADDR="127.0.0.1", HTTP_HOST="localhost"), iter(range(4096, 1 << 20, 256))

        def post(path: str, body: dict[str, Any], status: int) -> None:
            headers = {"authorization": f"Bearer {token}"} if "launches" in path else {}
            answer = client.post(path, json.dumps(body), "application/json", headers=headers)
            if answer.status_code != status:
                raise RuntimeError(f"{path} answered {answer.status_code}: {answer.content[:300]!r}")

        def ask() -> None:
            workload = {"use_case": "coding", "context": next(contexts)}
            post("/api/v1/recommendations/", {"hardware": {"text": "RTX 4090, 64 GB RAM"}, "workload": workload}, 200)

        def launch() -> None:
            post("/api/v1/launches/", {"model": MODEL, "workload": {"context": 2048}}, 201)

        report("POST recommendations/", ask, show=options.show)
        report("POST launches/", launch, show=options.show)


if __name__ == "__main__":
    main()
