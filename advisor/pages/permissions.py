"""Permission to launch and stop from the pages. The API requires a token with the `launch` scope instead."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def may_operate(request: HttpRequest) -> bool:
    """True for staff, and for anyone on this very machine while BERTH_LOCAL_OPERATOR is on (the embedded default).

    A proxy on the same machine would make every visitor look local, so a forwarded request is never taken as local.
    """
    if request.user.is_authenticated and request.user.is_staff:
        return True
    if not settings.LOCAL_OPERATOR or "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return False
    try:
        peer = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return peer.is_loopback and request.get_host().rsplit(":", 1)[0] in ("localhost", "127.0.0.1", "[::1]")
