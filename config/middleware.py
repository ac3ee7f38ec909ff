from __future__ import annotations

import hashlib
import logging
import math
import secrets
import unicodedata
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from config import errors
from rest import problems
from rest.throttles import caller, excess

log = logging.getLogger(__name__)
# No inline scripts and no inline styles: text in a catalog field, a GPU's name or a log line stays text.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware


def refused_by_the_server(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the answer to a request that `config/asgi.py` refuses, before anything is asked of a database."""

    def middleware(request: HttpRequest) -> HttpResponse:
        status = request.META.get(settings.REFUSED)
        return errors.refused(request, status) if status else get_response(request)

    return middleware


def no_null_in_addresses(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: 404 for a path with a NUL character, which nothing is named by and PostgreSQL rejects in a query."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\0" in request.path:
            raise Http404
        return get_response(request)

    return middleware


class SameRequest(HttpResponsePermanentRedirect):
    status_code = 308


class AppendSlash(CommonMiddleware):
    """Adds a missing slash by 308: after a 301 clients repeat a POST as a GET and silently lose its body."""

    response_redirect_class = SameRequest


class DatabaseAway(MiddlewareMixin):
    """Turns a database that is locked or unreachable into a 503 with Retry-After."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, problems.AWAY):
            return None
        log.error("The database does not answer: %s", exception)
        return errors.unavailable(request, exception)


class SignInWhereNotAnonymous(LoginRequiredMiddleware):
    """Requires a sign-in on every page while ANONYMOUS_ACCESS is off; the API has its own permissions."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        return None if settings.ANONYMOUS_ACCESS else super().process_view(request, view, args, kwargs)


# Pages that compute an answer share one rate limit with the API endpoints that do.
ASKING = {"ask", "model", "requirements", "compare", "claims"}


class LimitPages(MiddlewareMixin):
    """RATE_LIMITS for pages: questions by account or address, sign-in attempts by address and attempted user name."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        left = None
        if name in ASKING:
            left = excess("recommend", caller(request))
        elif name == "admin:login" and request.method == "POST":
            left = too_many_attempts(request)
        return None if left is None else errors.too_many(request, math.ceil(left))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """A browser in which somebody has signed in is known: what others try in that name does not lock it out."""
        name = tried_name(request) if request.path == reverse("admin:login") and request.method == "POST" else ""
        if name and response.status_code == 302 and request.user.is_authenticated:
            response.set_signed_cookie(
                KNOWN, secrets.token_hex(8), salt=name, max_age=90 * 86400, httponly=True, samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )  # fmt: skip
        return response


KNOWN = "berth_known"
NAMES = 3  # attempts from one address in all names, as a multiple of those in one


def tried_name(request: HttpRequest) -> str:
    """The name as the sign-in form takes it: many spellings are one account."""
    return unicodedata.normalize("NFKC", request.POST.get("username", "")).strip().casefold()


def too_many_attempts(request: HttpRequest) -> float | None:
    """Counts one attempt to sign in; the seconds until the next may be made, where there were too many.

    Counted by name and address, and by address; those of a browser that the name is known from, by that browser.
    """
    name, address = tried_name(request), request.META.get("REMOTE_ADDR", "")
    if known := request.get_signed_cookie(KNOWN, default="", salt=name):
        return excess("sign-in", f"known:{known}")
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return excess("sign-in", f"{address}:{digest}") or excess("sign-in", f"{address}:*", times=NAMES)
