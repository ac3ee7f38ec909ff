"""Deletes what is too old, or too much: answered questions, launches that are over, and their logs."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from advisor.launch.engine_process import launch_folder
from advisor.models import Decision, Launch

PARTS_DAYS = 14
AT_ONCE = 2_000  # rows in one transaction: others want to write meanwhile
LOG = re.compile(r"([0-9a-f-]{36})\.log(\.1)?")


def prune() -> None:
    decisions = Decision.objects.order_by("-created")
    delete(decisions, "created", settings.DECISIONS_DAYS, settings.DECISIONS_MOST)
    over = Launch.objects.filter(status__in=Launch.FINAL).order_by("-updated")
    delete(over, "updated", settings.LAUNCHES_DAYS, settings.LAUNCHES_MOST)
    delete_logs()
    delete_parts()


def delete(newest_first: QuerySet[Any], column: str, days: int, most: int) -> None:
    """Delete the rows that are older than `days`, and all but the newest `most`."""
    border = timezone.now() - timedelta(days=days)
    beyond = newest_first.values_list(column, flat=True)[most : most + 1].first()
    # Rows of one moment go together, so that no order among them matters.
    old = newest_first.filter(**{f"{column}__lte": max(border, beyond) if beyond else border})
    while keys := list(old.values_list("pk", flat=True)[:AT_ONCE]):
        old.model._default_manager.filter(pk__in=keys).delete()


def delete_parts() -> None:
    """Parts of downloads that nobody has gone on with for a while."""
    border = time.time() - PARTS_DAYS * 86400
    for root in settings.MODEL_ROOTS[:1]:
        for path in root.glob("*/*/*.gguf.part"):
            if path.stat().st_mtime < border:
                path.unlink(missing_ok=True)
                path.with_name(f"{path.name}.etag").unlink(missing_ok=True)


def delete_logs() -> None:
    """Logs of launches that are not there any more."""
    logs = {path: found[1] for path in launch_folder().glob("*.log*") if (found := LOG.fullmatch(path.name))}
    kept = set(map(str, Launch.objects.values_list("pk", flat=True)))
    for path, launch in logs.items():
        if launch not in kept:
            path.unlink(missing_ok=True)
