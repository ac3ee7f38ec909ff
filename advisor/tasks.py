"""Messages to this machine's worker. They carry nothing: the rows say what is to be done."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from advisor.answers import decisions
from advisor.launch import reconciler
from advisor.launch.reconciler import settle


@shared_task
def reconcile() -> None:
    """The periodic look."""
    reconciler.reconcile(settings.HOST_ID)


@shared_task
def nudge() -> None:
    """Something was asked for: look until it has settled, so that nobody waits for the next period."""
    settle(settings.HOST_ID, seconds=3)


@shared_task
def prune() -> None:
    """Questions that are too old to be launched by their decision."""
    decisions.prune()
