"""An hour of everything at once on a whole Berth: memory, descriptors, files, rows and statuses, by five minutes.

    python bench/soak.py [--minutes 0.5] [--write]

Questions, pages and lists; a real model launched and stopped; clients that send a byte a second; web server, worker,
broker and engine killed in turn; the disk filled and cleared; the clock turned an hour back and ahead. Prints what was
answered, and every answer that should not have been: a 5xx without Retry-After, a broken connection that no restart
explains, a launch that does not end, a process left behind. Asserts nothing. --write makes docs/soak.md.

The disk is filled where this user may mount a small file system, the clock is turned where gcc is there; else it says
that they were left out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import mix
import psutil
from growth import ROOT
from serving import MIB, free_port, percentile

TABLES = ("advisor_launch", "advisor_launchevent", "advisor_decision", "hardware_snapshot", "hardware_reservation")
ROLES = ("granian", "celery", "valkey", "supervisor")
Sample = dict[str, float]


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of 256 MB at the folder; False where this user may not mount one."""
    folder.mkdir()
    mounted = shutil.which("mount") and not subprocess.run(  # noqa: S603
        ["mount", "-t", "tmpfs", "-o", "size=256m", "berth-soak", str(folder)],  # noqa: S607
        check=False, capture_output=True,
    ).returncode  # fmt: skip
    try:
        yield bool(mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S603, S607


def shifted(folder: Path) -> dict[str, str]:
    """The environment in which the wall clock is off by the seconds in a file; empty without a compiler."""
    library, source = folder / "clock_shift.so", ROOT / "tests/clock_shift/clock_shift.c"
    if not shutil.which("gcc"):
        return {}
    subprocess.run(["gcc", "-O1", "-fPIC", "-shared", "-o", str(library), str(source), "-ldl"], check=True)  # noqa: S603, S607
    (folder / "shift").write_text("0")
    return {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(folder / "shift")}


def sample(berth: psutil.Process, data: Path) -> Sample:
    found: Counter[str] = Counter()
    for process in [berth, *berth.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            name = mix.role(process)
            found[f"{name} MiB"] += process.memory_info().rss / MIB
            found[f"{name} descriptors"] += process.num_fds()
    files = [path for path in data.rglob("*") if path.is_file() and path.name != "ballast"]
    found["files"] = len(files)
    with contextlib.suppress(OSError):
        found["MB on disk"] = sum(path.stat().st_size for path in files) / 1e6
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{data / 'berth.sqlite3'}?mode=ro", uri=True, timeout=1)) as rows,
    ):
        for table in TABLES:
            found[table] = rows.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
    return dict(found)


def soak(data: Path, minutes: float, work: Path, *, small: bool) -> tuple[mix.Watched, list[Sample], list[str]]:
    port, clock = free_port(), shifted(work)
    environment = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "DATABASE_URL")}
    environment |= {"BERTH_DATA": str(data), "PORT": str(port)} | clock
    notes = [] if small else ["The disk was not filled: no file system could be mounted."]
    notes += [] if clock else ["The clock was not turned: there is no gcc."]
    with (work / "berth.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.supervisor"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        while b"Berth is at" not in (work / "berth.log").read_bytes():
            if process.poll() is not None:
                raise SystemExit((work / "berth.log").read_text()[-3000:])
            time.sleep(0.1)
        command = [sys.executable, "manage.py", "token", "soak", "--scopes", "read,recommend,launch"]
        told = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)  # noqa: S603
        to, berth = mix.Watched(port, told.stdout.split()[-1]), psutil.Process(process.pid)
        actors = [partial(mix.ask_questions, to, 5.0), partial(mix.ask_health, to), partial(mix.launch_and_stop, to)]
        actors += [partial(mix.dawdle, to)] * 8 + [partial(mix.kill_a_part, to, berth, min(60, 10 * minutes))]
        actors += [partial(mix.fill_and_clear, to, data, min(420, 20 * minutes))] if small else []
        actors += [partial(mix.turn_the_clock, to, work / "shift", min(300, 15 * minutes))] if clock else []
        threads, samples = mix.start(actors), []
        while (passed := time.monotonic() - to.start) < 60 * minutes and process.poll() is None:
            samples.append({"minute": passed / 60} | sample(berth, data))
            time.sleep(min(10, 6 * minutes))
        if process.poll() is not None:
            to.fault(f"Berth ended by itself with {process.returncode}")
        to.over.set()
        for thread in threads:
            thread.join(60)
        return to, samples, notes
    finally:
        process.terminate()
        if process.wait(60):
            notes.append(f"Stopping ended with {process.returncode}.")
        left = [p.info["pid"] for p in psutil.process_iter(["pid", "environ"]) if str(data) in str(p.info["environ"])]
        notes.append(f"Processes left after the stop: {len(left)}.")
        shutil.copy(work / "berth.log", Path(tempfile.gettempdir()) / "berth-soak.log")


def report(to: mix.Watched, samples: list[Sample], notes: list[str], minutes: float) -> list[str]:
    columns = [f"{role} {what}" for role in ROLES for what in ("MiB", "descriptors")] + ["files", "MB on disk", *TABLES]
    rows = samples[:: max(1, len(samples) // 12)]
    lines = [
        "# An hour of everything at once",
        "",
        f"{minutes:g} minutes. Written by `python bench/soak.py --minutes 60 --write`, which says what happens in it.",
        "",
        "| minute | " + " | ".join(columns) + " |",
        "|" + "---:|" * (1 + len(columns)),
    ]
    lines += [f"| {row['minute']:.0f} | " + " | ".join(f"{row.get(c, 0):.0f}" for c in columns) + " |" for row in rows]
    lines += ["", "| request | status: times | median ms | 95th percentile ms | worst ms |", "|---|---|---:|---:|---:|"]
    for kind, took in sorted(to.took.items()):
        said = ", ".join(f"{status or 'broken'}: {n:,}" for (k, status), n in sorted(to.statuses.items()) if k == kind)
        figures = f"{percentile(took, 0.5):.0f} | {percentile(took, 0.95):.0f} | {max(took):.0f}"
        lines.append(f"| {kind} | {said} | {figures} |")
    events = ", ".join(f"{kind} {n} times" for (kind, _), n in sorted(to.statuses.items()) if kind not in to.took)
    lines += ["", f"Meanwhile: {events}.", "", *notes, "", f"What should not have been: {len(to.faults)}.", ""]
    return lines + [f"* {fault}" for fault in to.faults[:40]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work, small_disk(Path(work) / "data") as small:
        to, samples, notes = soak(Path(work) / "data", options.minutes, Path(work), small=small)
    lines = report(to, samples, notes, options.minutes)
    print("\n".join(lines))
    if options.write:
        (ROOT / "docs/soak.md").write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
