"""The clock that nobody sets: for how long ago something was, where a wall clock may jump."""

from __future__ import annotations

import time


def uptime() -> float:
    """Seconds since boot, the same for every process of this boot and unaffected by clock jumps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
