"""Units of what is summed: bytes are integers, and GiB exist at the edge only."""

from __future__ import annotations

GIB = 1 << 30
