"""What a question may be refused for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.answers import documents
from advisor.fit.spec import Rejection

Errors = list[dict[str, Any]]


class Invalid(Exception):
    """The question cannot be answered. `status` 400: a field is wrong; 422: hardware is unknown or ambiguous."""

    def __init__(self, errors: Errors, status: int = 400) -> None:
        super().__init__(errors[0]["message"] if errors else "The question is not valid.")
        self.errors = errors
        self.status = status


class DoesNotFit(Exception):
    """There is no room. `verdict` is the rejection's document, with what would help."""

    def __init__(self, rejection: Rejection) -> None:
        self.verdict = documents.rejection_document(rejection)
        super().__init__(verdict_sentence(self.verdict))


def verdict_sentence(verdict: Mapping[str, Any]) -> str:
    model, reason = verdict["model"], verdict["reason"].replace("_", " ")
    if "needed_bytes" in verdict and verdict["needed_bytes"] is not None:
        needed, available = (verdict[key] / (1 << 30) for key in ("needed_bytes", "available_bytes"))
        return f"{model} does not fit: it needs {needed:.1f} GiB and {available:.1f} GiB is available ({reason})."
    return f"{model} cannot run as asked ({reason})."
