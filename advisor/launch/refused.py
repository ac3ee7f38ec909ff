"""Why a launch cannot be taken on now."""

from __future__ import annotations

from typing import Any

from hardware import ledger


class LaunchRefused(Exception):
    """The launch cannot be taken on now; the message is a sentence for a person.

    `verdict` has the form of a rejection: where the host's room or the age of its reading is the reason.
    """

    def __init__(self, sentence: str, verdict: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.verdict = verdict


def no_room(model: str, error: ledger.NoRoom, more: str = "") -> str:
    gib = 1 << 30
    where = "the host's memory" if error.uuid == ledger.RAM else error.uuid
    return (
        f"There is no room: {model} needs {error.needed / gib:.1f} GiB {more}of {where}, "
        f"and {error.available / gib:.1f} GiB are not promised yet."
    )


def refusal(
    model: str | None, build: str | None, reason: str, needed: int | None = None, available: int | None = None
) -> dict[str, Any]:
    """As `documents.rejection` of a plan, where there is none that a change of the question would help."""
    figures = {"needed_bytes": needed, "available_bytes": available}
    return {"model": model, "build": build, "reason": reason, **figures, "fixes": []}


def model_of(build: str | None) -> str | None:
    """The slug in a build's id."""
    return build.partition(":")[0] if build else None
