"""Many rows in one test: every row is checked even if others fail, and every failure is reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

LONGEST = 400  # characters reported per row
Row = Callable[[str], AbstractContextManager[None]]
Rows = Mapping[str, Any]
Check = Callable[[str, Any], None]


def for_every(
    rows: Rows | Callable[[], Rows],
) -> Callable[[Check], Callable[[], None]]:
    """Decorator that turns a check of one row, given its name and content, into a test of all rows.

    Pass `rows` as a function to compute them in the test and not at collection time.
    """

    def made(check: Check) -> Callable[[], None]:
        def test() -> None:
            with every_row() as row:
                for name, held in (rows() if callable(rows) else rows).items():
                    with row(name):
                        check(name, held)

        test.__name__, test.__module__, test.__doc__ = check.__name__, check.__module__, check.__doc__
        return test

    return made


@contextmanager
def every_row() -> Iterator[Row]:
    """Collects failures; raises AssertionError with a line for each failed row, and also if there was no row at all."""
    names: list[str] = []
    wrong: list[str] = []

    @contextmanager
    def row(name: str) -> Iterator[None]:
        names.append(name)
        try:
            yield
        # the second is raised by `pytest.raises` when nothing was raised
        except (Exception, pytest.fail.Exception) as error:
            wrong.append(f"{name}: {told(error)}")

    yield row
    assert names, "There was no row to check."
    if wrong:
        raise AssertionError("\n".join((f"{len(wrong)} of {len(names)} rows:", *wrong)))


def told(error: BaseException) -> str:
    """The error on one line; its type is stated unless it is an AssertionError."""
    words = " ".join(str(error).split())[:LONGEST]
    return words if isinstance(error, AssertionError) and words else f"{type(error).__name__}: {words}"
