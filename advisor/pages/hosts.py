"""The page of hosts and their newest readings."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from advisor.answers import wording
from hardware.hosts import documents


@require_safe
def hosts_page(request: HttpRequest) -> HttpResponse:
    read, silent = documents()
    hosts = [wording.page_host(document, host.name) for host, document in read]
    return render(request, "hardware.html", {"page": "hardware", "hosts": hosts, "silent": silent})
