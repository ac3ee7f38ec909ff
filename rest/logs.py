"""Request ids, and log lines that carry them together with the launch they are about.

The id is taken from X-Request-ID or generated; it is in the answer, in problem documents and in every line logged
during the request.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from uuid import uuid4

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
# An id that goes into logs and back into a header: this is the longest and the widest alphabet allowed.
USABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")
request_id: ContextVar[str] = ContextVar("request_id", default="")
launch_id: ContextVar[str] = ContextVar("launch_id", default="")
access = logging.getLogger("berth.access")


def name_requests(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """The outermost middleware, so that a request refused by another one has an id too."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        name = given if USABLE.fullmatch(given) else uuid4().hex
        request.request_id = name  # type: ignore[attr-defined] # Django logs an answer of 400 when we have returned
        token, begun = request_id.set(name), time.perf_counter()
        try:
            response = get_response(request)
            if settings.ACCESS_LOG:
                access.info(
                    "%s %s %d in %.1f ms",
                    request.method, request.path, response.status_code, 1000 * (time.perf_counter() - begun),
                )  # fmt: skip
        finally:
            request_id.reset(token)
        response.headers[HEADER] = name
        return response

    return middleware


@contextmanager
def about(launch: object) -> Iterator[None]:
    """Marks every line logged inside the block as being about the launch with this id."""
    token = launch_id.set(str(launch))
    try:
        yield
    finally:
        launch_id.reset(token)


class Ids(logging.Filter):
    """Puts `request_id` and `launch_id` into every record, empty where there is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        asked = getattr(record, "request", None)
        record.request_id = request_id.get() or getattr(asked, "request_id", "")
        record.launch_id = launch_id.get()
        if record.name.startswith("django.security."):  # somebody's wrong request: where it was noticed tells nothing
            record.exc_info = record.exc_text = None
        ids = (("request", record.request_id), ("launch", record.launch_id))
        record.ids = "".join(f" [{kind} {name}]" for kind, name in ids if name)
        return True


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: at, level, logger, message; request_id, launch_id and exception if any."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", ""),
            "launch_id": getattr(record, "launch_id", ""),
            "exception": self.formatException(record.exc_info) if record.exc_info else "",
        }
        return orjson.dumps({key: value for key, value in line.items() if value}).decode()
