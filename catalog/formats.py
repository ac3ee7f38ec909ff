"""CSV that is safe to open in a spreadsheet and survives a round trip unchanged."""

from __future__ import annotations

import re
from typing import Any

import tablib
from import_export.formats import base_formats

# Characters that a spreadsheet takes for the start of a formula or a command; a plain number is neither.
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def escaped(cell: Any) -> Any:
    """Prefixes an apostrophe to a cell that would be evaluated, and to one that already looks escaped."""
    if not isinstance(cell, str) or NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}" if cell.lstrip(" '").startswith(STARTS) else cell


def unescaped(cell: Any) -> Any:
    is_escaped = isinstance(cell, str) and cell.startswith("'") and cell.lstrip(" '").startswith(STARTS)
    return cell[1:] if is_escaped else cell


def _each(dataset: tablib.Dataset, change: Any) -> tablib.Dataset:
    return tablib.Dataset(*([change(cell) for cell in row] for row in dataset), headers=dataset.headers)


class CSV(base_formats.CSV):
    """Replaces the library's own escaping, which knows one sign only, strips it, and does so in JSON too."""

    def export_data(self, dataset: tablib.Dataset, **options: Any) -> Any:
        return super().export_data(_each(dataset, escaped), **options)

    def create_dataset(self, in_stream: Any, **options: Any) -> tablib.Dataset:
        return _each(super().create_dataset(in_stream, **options), unescaped)
