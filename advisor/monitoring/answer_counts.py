"""Counts of answered questions by kind and outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from prometheus_client import Counter

ANSWERS = Counter("berth_answers", "Questions answered, and what became of them.", ("question", "outcome"))
Answer = TypeVar("Answer")


@contextmanager
def counted(question: str) -> Iterator[Callable[[Answer], Answer]]:
    """Count one question, from its parsing on; pass the answer through the function that is yielded."""
    outcome = "refused"

    def count(found: Answer) -> Answer:
        nonlocal outcome
        outcome = "answered" if getattr(found, "found", True) else "nothing fits"
        return found

    try:
        yield count
    finally:
        ANSWERS.labels(question, outcome).inc()
