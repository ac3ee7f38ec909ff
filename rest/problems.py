"""Errors as RFC 9457 problem documents: one sentence each, and the field it is about."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.views import set_rollback

from rest.logs import request_id

log = logging.getLogger(__name__)
TITLES = {
    400: "The request is not valid",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "The request took too long to arrive",
    409: "Conflict",
    412: "Changed in the meantime",
    413: "The request is too large",
    415: "Unsupported media type",
    422: "The request cannot be answered as it stands",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available at the moment",
}
CONTENT_TYPE = "application/problem+json"
# A database that is locked or unreachable; a retry after a moment succeeds once it is back.
AWAY = (OperationalError, InterfaceError)
AWAY_SECONDS = 5


def away_sentence(error: Exception) -> str:
    if "full" in str(error).lower() or "no space left" in str(error).lower():
        return f"The database has no room left on its disk; ask again in {AWAY_SECONDS} s, when somebody has made some."
    return f"The database does not answer at the moment; ask again in {AWAY_SECONDS} s."


class Problem(exceptions.APIException):
    """Raise with a status, a sentence, and `errors` as [{"field", "message"}]; `extra` members join the document."""

    def __init__(
        self, status: int, detail: str, errors: list[dict[str, Any]] | None = None, extra: dict[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.status_code = status
        self.errors = errors or []
        self.extra = extra or {}


def document(status: int, detail: str, errors: list[dict[str, Any]] | None = None, **extra: Any) -> dict[str, Any]:
    named = {"request_id": request_id.get()} if request_id.get() else {}
    return {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "errors": errors or [],
        **named,
        **extra,
    }


def flatten(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Flattens DRF's nested error detail into {"field": "workload.context", "message": "..."} entries."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            here = path if key == "non_field_errors" else f"{path}.{key}" if path else str(key)
            yield from flatten(value, here)
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            yield from flatten(value, f"{path}[{index}]" if isinstance(value, dict) and value else path)
    else:
        yield {"field": path, "message": str(detail)}


def handler(error: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """DRF's exception handler. Unknown exceptions are left to Django, which logs them and answers `server_error`.

    A problem is always JSON, whatever the view renders: the schema view renders YAML.
    """
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        error = Problem(413, f"A body may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes.")
    elif isinstance(error, AWAY):
        log.error("The database does not answer: %s", error)
        set_rollback()
        return respond(503, away_sentence(error), headers={"Retry-After": str(AWAY_SECONDS)})
    if not isinstance(error, exceptions.APIException):
        return None
    status, errors, extra = error.status_code, getattr(error, "errors", []), getattr(error, "extra", {})
    if isinstance(error, exceptions.ValidationError):
        errors = list(flatten(error.detail))
    detail = errors[0]["message"] if errors and isinstance(error, exceptions.ValidationError) else str(error.detail)
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    if isinstance(error, exceptions.Throttled):
        seconds = math.ceil(error.wait or 1)
        headers["Retry-After"] = str(seconds)
        detail = f"More requests than this minute allows; ask again in {seconds} s."
    set_rollback()
    return respond(status, detail, errors, headers, **extra)


def respond(
    status: int,
    detail: str,
    errors: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
    **extra: Any,
) -> JsonResponse:
    told = document(status, detail, errors, **extra)
    return JsonResponse(told, status=status, headers=headers, content_type=CONTENT_TYPE)
