"""Refusals of a launch."""

from __future__ import annotations

from advisor.fit.spec import Rejection
from advisor.fit.units import GIB
from hardware import ledger


class LaunchRefused(Exception):
    """The launch cannot be accepted now; the message is a sentence for a person.

    `rejection` is set where the host's room or the age of its reading is the reason.
    """

    def __init__(self, sentence: str, rejection: Rejection | None = None) -> None:
        super().__init__(sentence)
        self.rejection = rejection


class ReadingChanged(Exception):
    """The host was read again since the plan was made; its devices may be in another order."""


def no_room(model: str, error: ledger.NoRoom, more: str = "") -> str:
    where = "the host's memory" if error.uuid == ledger.RAM else error.uuid
    return (
        f"There is no room: {model} needs {error.needed / GIB:.1f} GiB {more}of {where}, "
        f"and {error.available / GIB:.1f} GiB are free and not promised yet."
    )
