"""A message that wakes the host's worker to reconcile its rows."""

from __future__ import annotations

import logging
import threading
from functools import cache
from typing import TYPE_CHECKING

from hardware.models import Host

if TYPE_CHECKING:
    from celery import Celery

log = logging.getLogger(__name__)


@cache
def publisher() -> Celery:
    from celery import Celery  # noqa: PLC0415  (a web process that never launches need not load it)

    app = Celery("berth", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    return app


def nudge(host_id: str) -> None:
    """Tell the host's worker to reconcile now; returns at once. A broker that is down loses nothing.

    Sent from a thread: the client keeps trying a dead broker for some six seconds whatever its settings, and the
    request for a launch must not wait for that.
    """
    queue = Host.objects.values_list("queue", flat=True).get(pk=host_id)
    threading.Thread(target=send, args=(queue,), daemon=True).start()


def send(queue: str) -> None:
    try:
        publisher().send_task("advisor.tasks.nudge", queue=queue, expires=60, retry=False)
    except Exception as error:  # kombu lets every transport's errors through; the row is the queue
        log.warning("Nudge of %s was not sent (%s); its next look at the queue will do.", queue, error)
