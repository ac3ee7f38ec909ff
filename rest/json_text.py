"""JSON of others, as Python's own reader takes it: `Infinity` and `NaN` occur in published files."""

from __future__ import annotations

import json
from typing import Any


def read_json(text: str | bytes) -> Any:
    """The value. Raises ValueError, also for what is nested too deeply: `json.loads` raises RecursionError."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
