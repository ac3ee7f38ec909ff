"""Formats a proposal as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import orjson

from advisor.intake.proposal import ACTIONS, Difference, Proposal

WIDEST = 60


def proposal_lines(proposal: Proposal, found: list[Difference]) -> Iterator[str]:
    for (table, key), fields in groupby(found, key=lambda d: (d.table, d.key)):
        yield f"{table} {key}"
        for difference in fields:
            was = "" if difference.action in ("new", "fill") else f"{shortened(difference.current)} -> "
            why = f"[{ACTIONS[difference.action]}; {difference.source}]"
            yield f"  {difference.field}: {was}{shortened(difference.proposed)}  {why}"
    yield from (f"Note: {note}" for note in proposal.notes)


def shortened(value: Any) -> str:
    """A value shortened to part of a line; a table of tensors is shown by its size only."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
