from __future__ import annotations

from celery import shared_task

from hardware.snapshots import refresh


@shared_task(name="hardware.tasks.snapshot", ignore_result=True)  # type: ignore[untyped-decorator]
def snapshot() -> None:
    refresh()
