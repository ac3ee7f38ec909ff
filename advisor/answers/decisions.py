"""Answered questions stored by decision digest, so that a launch can refer to a decision and a rank."""

from __future__ import annotations

from typing import Any

from advisor.models import Decision
from rest.in_passing import in_passing

MOST = 2_000
_known: set[str] = set()  # saves a busy process the query; a miss only costs one
_waiting: dict[str, dict[str, Any]] = {}  # answered while the database took no writes


def remember(digest: str, question: dict[str, Any]) -> None:
    """Store the question, with those that wait. What cannot be stored now waits in this process: no answer waits."""
    if digest in _known:
        return
    waiting = _waiting | {digest: question}
    rows = [Decision(digest=one, question=asked) for one, asked in waiting.items()]
    # One statement: get_or_create takes a savepoint and two.
    if in_passing(lambda: Decision.objects.bulk_create(rows, ignore_conflicts=True)):
        for one in waiting:
            _waiting.pop(one, None)
        if len(_known) > MOST:
            _known.clear()
        _known.update(waiting)
    elif len(_waiting) < MOST:
        _waiting[digest] = question


def recall(digest: str) -> dict[str, Any] | None:
    row = Decision.objects.filter(digest=digest).first()
    return row.question if row else _waiting.get(digest)
