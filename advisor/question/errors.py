"""The errors of a question that has no answer. They carry data; the entry point renders it."""

from __future__ import annotations

from typing import Any

from advisor.fit.spec import Rejection

Errors = list[dict[str, Any]]  # {"field", "message"}, and helpful details under further keys


class Invalid(Exception):
    """The question cannot be answered. `status` 400: a field is wrong; 422: hardware is unknown or ambiguous."""

    def __init__(self, errors: Errors, status: int = 400) -> None:
        super().__init__(errors[0]["message"] if errors else "The question is not valid.")
        self.errors = errors
        self.status = status


class DoesNotFit(Exception):
    """There is no room: `rejection` has the binding constraint, and what would help."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.reason)
        self.rejection = rejection
