"""The operator link: the address that `make run` prints makes the browser that opens it the operator's."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from advisor.pages.permissions import is_operator_key, make_operator


@require_safe
@never_cache
@login_not_required
def operator_page(request: HttpRequest) -> HttpResponse:
    """Leads on at once to an address without the key, so that it is in no Referer and not in what is bookmarked."""
    if not is_operator_key(request.GET.get("key", "")):
        raise PermissionDenied(
            "This link is of an earlier start, or not whole: run manage.py operator_link for a new one."
        )
    response = redirect("ask")
    make_operator(response)
    return response
