"""Celery tasks of this machine's worker. They take no arguments: the rows say what is to be done."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from advisor.answers import decisions
from advisor.launch import reconciler
from advisor.launch.reconciler import settle


@shared_task
def reconcile() -> None:
    """The periodic pass of the reconciler."""
    reconciler.reconcile(settings.HOST_ID)


@shared_task
def nudge() -> None:
    """Reconcile until settled after a request, so that nobody waits for the next period."""
    settle(settings.HOST_ID, seconds=3)


@shared_task
def prune() -> None:
    """Delete questions that are too old for a launch by their decision."""
    decisions.prune()
