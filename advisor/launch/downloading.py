"""The step of a launch whose files are being fetched: one process for each build, resumed until it ends."""

from __future__ import annotations

import os
import sys

from django.conf import settings

from advisor.files import downloads
from advisor.launch import process
from advisor.launch.endings import fail
from advisor.launch.engine_process import PASSED_ON, launch_folder, model_file
from advisor.launch.planned_again import queue_fetched
from advisor.launch.serving import Marked
from advisor.models import Launch
from hardware.clock import uptime

COMMAND = (sys.executable, "-m", "advisor.intake.fetch")
# What the fetching process reads its settings from: unlike an engine it is ours.
OURS = ("BERTH_", "HF_", "DATABASE_", "SECRET_KEY", "DJANGO_", "HUB_", "DOWNLOAD", "REDIS_", "SSL_", "ALLOWED_HOSTS")
MOST_STARTS = 5  # of a process that ends without saying why


def downloading(launch: Launch, marked: Marked) -> None:
    note, mark = downloads.Note(launch.build), downloads.marker(launch.build)
    told = note.read()
    if mark in marked:
        seen(launch)
        return
    fresh = told.get("at", 0) >= launch.watch.get("asked", 0)
    if told.get("reason") and fresh:
        fail(launch, told["reason"], told["message"])
    elif model_file(launch):
        queue_fetched(launch)
    elif told.get("done") and fresh:
        fail(launch, "missing", "What was fetched is not the file that this build names any more.")
    elif launch.attempts >= MOST_STARTS:
        fail(launch, "internal", "The download ended again and again without a word; the worker's log says more.")
    else:
        note.write(reason=None, message=None, done=False)
        started = process.spawn(
            [*COMMAND, launch.build],
            marker=mark,
            env={key: value for key, value in os.environ.items() if key in PASSED_ON or key.startswith(OURS)},
            log=launch_folder() / f"{mark}.log",
            cwd=settings.BASE_DIR,
        )
        marked[mark] = [started]  # the next launch of this pass waits for it too
        Launch.objects.filter(pk=launch.pk).update(attempts=launch.attempts + 1)


def seen(launch: Launch) -> None:
    """Note the bytes now and then, for the rate."""
    done, _, _ = downloads.progress(launch.build)
    before = launch.watch.get("bytes", [])
    now = uptime()
    if not before or now - before[-1][0] >= 2:
        watch = {**launch.watch, "bytes": [*before[-4:], [now, done]]}
        Launch.objects.filter(pk=launch.pk, status="downloading").update(watch=watch, attempts=0)


def end_unwanted(marked: Marked) -> None:
    """End downloads that no launch waits for any more. Their parts stay for a later one."""
    # Another installation's downloads carry marks too, but have no log in our folder.
    ours = (mark for mark in marked if mark.startswith(downloads.PREFIX))
    running = [mark for mark in ours if (launch_folder() / f"{mark}.log").exists()]
    if not running:
        return
    wanted = {
        downloads.marker(build) for build in Launch.objects.filter(status="downloading").values_list("build", flat=True)
    }
    unwanted = [mark for mark in running if mark not in wanted]
    if unwanted and not process.stop_processes(dict.fromkeys(unwanted), grace=1.0):
        for mark in unwanted:
            downloads.note_of(mark).unlink(missing_ok=True)
