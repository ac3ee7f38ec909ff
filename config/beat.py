"""Beat by a clock that nobody sets: with the wall clock an hour back, nothing would be looked at for an hour."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from celery.beat import ScheduleEntry, Scheduler


def steady_now() -> datetime:
    """A time that only ever advances, and means nothing but the distance to another one."""
    return datetime.fromtimestamp(time.monotonic(), UTC)


class SteadyEntry(ScheduleEntry):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.schedule.nowfun = steady_now

    def default_now(self) -> datetime:
        return steady_now()

    _default_now = default_now


class SteadyScheduler(Scheduler):
    Entry = SteadyEntry
