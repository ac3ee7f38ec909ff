"""Celery tasks of this machine's worker. They take no arguments: the rows say what is to be done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from celery import shared_task
from django.conf import settings

from advisor import retention
from advisor.intake import file_index
from advisor.launch import reconciler
from advisor.launch.reconciler import settle
from hardware import ledger
from hardware.snapshots import refresh


@shared_task
def reconcile() -> None:
    """The periodic pass of the reconciler."""
    with reading_what_was_freed():
        reconciler.reconcile(settings.HOST_ID)


@shared_task
def nudge() -> None:
    """Reconcile until settled after a request, so that nobody waits for the next period."""
    with reading_what_was_freed():
        settle(settings.HOST_ID, seconds=3)


@contextmanager
def reading_what_was_freed() -> Iterator[None]:
    """Read the machine again where a launch has ended: until then the driver counts its memory as used."""
    before = ledger.held(settings.HOST_ID).keys()
    yield
    if before - ledger.held(settings.HOST_ID).keys():
        refresh()


@shared_task
def index_files() -> None:
    """Find out what model files lie here now; nothing else walks or reads them."""
    file_index.index_files()


@shared_task
def prune() -> None:
    """Delete what is too old or too much."""
    retention.prune()
