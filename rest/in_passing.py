"""Writes that an answer is not kept waiting for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection, transaction

PATIENCE_MS = 50  # for another's write to end


def in_passing(write: Callable[[], object]) -> bool:
    """Call `write`; False, and nothing is written, where the database is locked, full or away."""
    try:
        with impatient():
            write()
    except DatabaseError:
        return False
    return True


@contextmanager
def impatient() -> Iterator[None]:
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        own = connection.connection
        before = own.execute("PRAGMA busy_timeout").fetchone()[0]
        own.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        try:
            yield
        finally:
            own.execute(f"PRAGMA busy_timeout = {before}")
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE_MS}")
            yield
