"""Many rows in one test: each is checked whatever becomes of the others, and every one that fails is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

LONGEST = 400  # characters that one row may say
Row = Callable[[str], AbstractContextManager[None]]
Rows = Mapping[str, Any]
Check = Callable[[str, Any], None]


def for_every(
    rows: Rows | Callable[[], Rows],
) -> Callable[[Check], Callable[[], None]]:
    """A check of one row, by its name and what it holds, becomes a test of all of them.

    `rows` as a function is called in the test: what costs time should not cost it where tests are only gathered.
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
    """AssertionError with a line for each row that failed; also where there was no row at all."""
    names: list[str] = []
    wrong: list[str] = []

    @contextmanager
    def row(name: str) -> Iterator[None]:
        names.append(name)
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:  # the second: `pytest.raises` that saw nothing
            wrong.append(f"{name}: {told(error)}")

    yield row
    assert names, "There was no row to check."
    if wrong:
        raise AssertionError("\n".join((f"{len(wrong)} of {len(names)} rows:", *wrong)))


def told(error: BaseException) -> str:
    """The error in one line; what kind it is only where it is no assertion."""
    words = " ".join(str(error).split())[:LONGEST]
    return words if isinstance(error, AssertionError) and words else f"{type(error).__name__}: {words}"
