"""Byte units: sums are integer bytes, converted to GiB only for display and input."""

from __future__ import annotations

GIB = 1 << 30
