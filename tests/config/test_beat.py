"""Beat under a wall clock that is set back: real clocks, shifted by a library between the process and the kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.plugin.berth import ROOT

TICKS = """
import json, sys, time
from pathlib import Path
from config.celery import app
from config.beat import SteadyScheduler

class Counting(SteadyScheduler):
    sent = 0
    def apply_entry(self, entry, producer=None):
        self.sent += 1

def ticks(seconds):
    scheduler.sent, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(max(0, min(scheduler.tick(), 0.02)))
    return scheduler.sent

app.conf.beat_schedule = {n: {"task": n, "schedule": s} for n, s in (("often", 0.05), ("rarely", 0.2))}
scheduler = Counting(app=app, lazy=True)
scheduler.setup_schedule()
found = [ticks(0.6)]
for shift in (-3600, 3600):
    before = time.time()
    Path(sys.argv[1]).write_text(str(shift))
    found += [round((time.time() - before) / 3600), ticks(0.6)]
print(json.dumps(found))
"""


def test_an_hour_back_or_ahead_changes_nothing_of_when_things_are_looked_at(tmp_path: Path) -> None:
    library, shift = tmp_path / "clock_shift.so", tmp_path / "shift"
    source = ROOT / "tests" / "clock_shift" / "clock_shift.c"
    subprocess.run(["gcc", "-Wall", "-Werror", "-fPIC", "-shared", "-o", library, source, "-ldl"], check=True)
    done = subprocess.run(
        [sys.executable, "-c", TICKS, str(shift)],
        cwd=ROOT,
        env=os.environ | {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(shift)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    usual, back, after_back, ahead, after_ahead = json.loads(done.stdout)
    assert (back, ahead) == (-1, 2)
    for sent in (usual, after_back, after_ahead):
        assert 3 <= sent <= 20, (usual, after_back, after_ahead)  # 15 on a quiet machine, none where it waits an hour
