"""Answered questions stored by decision digest, so that a launch can refer to a decision and a rank."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import DatabaseError
from django.utils import timezone

from advisor.models import Decision

KEPT_DAYS = 30
_known: set[str] = set()  # saves a busy process the query; a miss only costs one


def remember(digest: str, question: dict[str, Any]) -> None:
    """Store the question. A failure does not fail the answer: a launch by this decision is refused later instead."""
    if digest in _known:
        return
    try:
        # One statement: get_or_create takes a savepoint and two.
        Decision.objects.bulk_create([Decision(digest=digest, question=question)], ignore_conflicts=True)
    except DatabaseError:
        return
    if len(_known) > 2_000:
        _known.clear()
    _known.add(digest)


def recall(digest: str) -> dict[str, Any] | None:
    row = Decision.objects.filter(digest=digest).first()
    return row.question if row else None


def prune() -> None:
    Decision.objects.filter(created__lt=timezone.now() - timedelta(days=KEPT_DAYS)).delete()
