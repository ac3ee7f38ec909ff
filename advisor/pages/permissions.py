"""Permission to launch and stop from the pages. The API requires a token with the `launch` scope instead."""

from __future__ import annotations

from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

# Cookies are shared by all ports of a host: each Berth has one of its own name.
COOKIE = f"berth_operator_{settings.PORT}"
SALT = "advisor.pages.permissions"
HOW_TO = "To launch, stop and chat from this browser, open the link that Berth printed when it started, or sign in."


def may_operate(request: HttpRequest) -> bool:
    """True for staff, and for a browser that has opened this start's operator link while BERTH_LOCAL_OPERATOR is on.

    Where a request comes from proves nothing: behind a proxy on the same machine every visitor comes from loopback.
    """
    if request.user.is_authenticated and request.user.is_staff:
        return True
    shown = request.get_signed_cookie(COOKIE, default="", salt=SALT)
    return link_works() and constant_time_compare(shown, mark())


def link_works() -> bool:
    return bool(settings.LOCAL_OPERATOR and settings.OPERATOR_KEY)


def is_operator_key(key: str) -> bool:
    return link_works() and constant_time_compare(key, settings.OPERATOR_KEY)


def make_operator(response: HttpResponse) -> None:
    """Mark the browser until it is closed or Berth is started again, whichever comes first."""
    response.set_signed_cookie(COOKIE, mark(), salt=SALT, httponly=True, samesite="Lax", secure=settings.HTTPS)


def mark() -> str:
    """What the cookie holds: it follows from the key of this start, and does not reveal it."""
    return sha256(settings.OPERATOR_KEY.encode()).hexdigest()
