"""The outcome of a merge, done or previewed, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.importer import Report

SHOWN = 20


def lines(report: Report, *, written: bool) -> Iterator[str]:
    for table, count in report.counts.items():
        parts = {"new": count.created, "changed": count.updated, "withheld": count.withheld}
        told = ", ".join(f"{number} {word}" for word, number in parts.items() if number)
        if told or count.kept:
            yield f"{table}: {told or 'nothing new'}."
        yield from (f"  {name}" for name in few(count.names))
        yield from (f"  kept as edited here: {name} (--overwrite takes the file's)" for name in count.kept)
    if report.unchanged:
        yield "Nothing to change."
    elif not written:
        yield "Nothing was written. --apply writes this."


def few(names: list[str]) -> Iterator[str]:
    yield from names[:SHOWN]
    if len(names) > SHOWN:
        yield f"and {len(names) - SHOWN} more"
