"""The Celery application: messages only nudge, rows are the truth.

Imported where a worker or beat starts, never from an app's `__init__`.
"""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import suppress
from typing import Any

from celery import Celery, bootsteps
from celery.app.amqp import AMQP
from celery.beat import EmbeddedService
from celery.exceptions import SecurityWarning
from celery.signals import setup_logging, worker_ready
from click import Option
from kombu import Connection
from kombu.exceptions import DecodeError, EncodeError
from kombu.transport.redis import Transport

# Celery warns that a root worker should not accept pickled messages; this worker accepts JSON only.
warnings.filterwarnings("ignore", category=SecurityWarning)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
log = logging.getLogger(__name__)
# What reading a malformed message raises; a lost connection raises none of these.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, EncodeError, DecodeError)


class Forgiving(Transport):
    """Drops a message that nobody can read, whoever put it there: it would end the worker, and each that follows."""

    class Channel(Transport.Channel):
        def _brpop_read(self, **options: Any) -> Any:
            try:
                return super()._brpop_read(**options)
            except UNREADABLE as error:
                log.error("A queue message that is no message was dropped: %r", error)
                return True

    def _deliver(self, message: Any, queue: str) -> None:
        try:
            super()._deliver(message, queue)
        except UNREADABLE as error:
            log.error("A queue message that cannot be read was dropped: %r", error)
            with suppress(*UNREADABLE):
                tag = message["properties"]["delivery_tag"]
                for channel in self.channels:
                    channel.basic_reject(tag, requeue=False)


class Persistent(Connection):
    """Reconnects to a lost broker every 3 s; kombu's back-off grows to 30 s, and a launch would wait that long."""

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        return super().ensure_connection(*args, **{"interval_step": 1, "interval_max": 3} | options)

    def get_transport_cls(self) -> type[Transport]:
        return Forgiving


class Messages(AMQP):
    Connection = Persistent


app = Celery("berth", amqp=Messages)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class BeatThread(bootsteps.StartStopStep):
    """`--with-beat`: beat as a thread of the worker's main process; `-B` would be one more process of 80 MB."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, with_beat: bool = False, **options: Any) -> None:
        super().__init__(worker, **options)
        self.enabled = with_beat

    def include_if(self, worker: Any) -> bool:
        return self.enabled

    def start(self, worker: Any) -> None:
        self.beat = EmbeddedService(app, thread=True, scheduler_cls=app.conf.beat_scheduler)
        self.beat.start()

    def stop(self, worker: Any) -> None:
        self.beat.stop()


app.user_options["worker"].add(Option(("--with-beat",), is_flag=True, help="Run beat as a thread of this worker."))
app.steps["worker"].add(BeatThread)


@setup_logging.connect
def as_django_logs(**_: Any) -> None:
    """Connecting any receiver to this signal keeps Celery from overriding LOGGING with its own levels and formats."""


@worker_ready.connect
def first_beat(**_: Any) -> None:
    """Beat waits one period before its first message; a new worker should reconcile its host and launches at once.

    The others have time: the start of a machine is busy enough.
    """
    for entry in app.conf.beat_schedule.values():
        if entry["task"] in ("hardware.tasks.snapshot", "advisor.tasks.reconcile"):
            app.send_task(entry["task"], **entry["options"])
