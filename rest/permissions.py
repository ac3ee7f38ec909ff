"""Scopes: a view declares `read_scope` and `write_scope`, and a token must carry the one its method needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS, BasePermission

if TYPE_CHECKING:  # rest_framework.views imports this module, which holds the default permission
    from rest_framework.request import Request
    from rest_framework.views import APIView

ANONYMOUS_SCOPES = {"read", "recommend"}


def scope_of(view: APIView, method: str | None) -> str:
    return getattr(view, "read_scope" if method in SAFE_METHODS else "write_scope", None) or "read"


class HasScope(BasePermission):
    """Signed-in staff have every scope; other accounts, and everybody while ANONYMOUS_ACCESS is on, read and recommend.

    A token has the scopes that it was created with and no others.
    """

    message = "This needs a token with the scope that the documentation names for it."

    def has_permission(self, request: Request, view: APIView) -> bool:
        scope = scope_of(view, request.method)
        self.message = f"This needs a token with the scope {scope}."
        if request.auth is not None:
            return scope in request.auth.scopes
        known = bool(request.user and request.user.is_authenticated)
        if known and request.user.is_staff:
            return True
        return scope in ANONYMOUS_SCOPES and (known or settings.ANONYMOUS_ACCESS)
