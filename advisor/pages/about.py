"""The page on method, sources and error bounds."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from advisor.answers.about import about_document


@require_safe
def about_page(request: HttpRequest) -> HttpResponse:
    return render(request, "about.html", about_document() | {"page": "about"})
