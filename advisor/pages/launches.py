"""The launch pages: the list, and one launch with its log, stop button and chat."""

from __future__ import annotations

import shlex
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advisor.answers import wording
from advisor.answers.documents import rejection_document
from advisor.answers.launch_request import request_launch
from advisor.launch.document import launch_document
from advisor.launch.engine_process import log_tail
from advisor.launch.queue import get_launch, recent_launches
from advisor.launch.refused import LaunchRefused
from advisor.launch.transitions import stop_launch
from advisor.models import Launch
from advisor.pages import chat
from advisor.pages.permissions import HOW_TO, may_operate
from advisor.question.errors import DoesNotFit, Invalid
from rest.json_text import read_json


@require_http_methods(["GET", "HEAD", "POST"])
def launches_page(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "launches.html", {"page": "launches", "launches": recent_launches()})
    demand_operator(request)
    try:
        launch, _ = request_launch(
            host="local",
            build=request.POST.get("build"),
            engine=request.POST.get("engine"),
            settings=read_json(request.POST.get("settings", "null")),
            owner=str(request.user),
        )
    except DoesNotFit as error:
        return not_launched(request, wording.does_not_fit(rejection_document(error.rejection)))
    except (Invalid, LaunchRefused, ValueError) as error:
        return not_launched(request, str(error))
    return redirect("launch", launch.id)


def not_launched(request: HttpRequest, why: str) -> HttpResponse:
    messages.error(request, f"Not launched: {why}")
    return redirect("ask")


def demand_operator(request: HttpRequest) -> None:
    if not may_operate(request):
        raise PermissionDenied(HOW_TO)


def launch_or_404(launch_id: UUID) -> Launch:
    try:
        return get_launch(launch_id)
    except Launch.DoesNotExist as error:
        raise Http404 from error


@require_safe
@ensure_csrf_cookie
def launch_page(request: HttpRequest, launch_id: UUID) -> HttpResponse:
    context = launch_context(request, launch_id)
    answer = render(request, "launch.html", context)
    if request.htmx and request.GET.get("seen", "") != context["launch"]["status"]:  # type: ignore[attr-defined]
        answer["HX-Refresh"] = "true"  # chat and endpoint appear and disappear with the status
    return answer


def launch_context(request: HttpRequest, launch_id: UUID) -> dict[str, Any]:
    document: dict[str, Any] = {**launch_document(launch_or_404(launch_id))}
    document["moving"] = document["status"] in Launch.ACTIVE
    document["serving"] = document["status"] in ("ready", "unhealthy")
    rate, left = (document["progress"] or {}).get("bytes_per_second"), (document["progress"] or {}).get("seconds_left")
    document["megabytes_per_second"] = (rate or 0) / 1e6
    document["minutes_left"] = f"{left / 60:.0f} min" if left and left > 90 else f"{left or 0:.0f} s"
    document["bad"] = document["status"] in ("failed", "lost", "unhealthy")
    measured = document["measured"]
    document["measured_by"] = wording.SOURCES.get(measured["source"]) if measured else None
    if measured and measured.get("total_bytes"):
        document["error_percent"] = 100 * (document["predicted"]["total_bytes"] / measured["total_bytes"] - 1)
    return {
        "page": "launches",
        "launch": document,
        "may_operate": may_operate(request),
        "how_to_operate": HOW_TO,
        "command": shlex.join(document["command"]),
        "curl": chat.curl(document),
        "log": log_tail(launch_id),
        "chat": request.session.get(f"chat:{launch_id}", []),
    }


@require_POST
def launch_stop(request: HttpRequest, launch_id: UUID) -> HttpResponse:
    demand_operator(request)
    stop_launch(launch_or_404(launch_id).pk)
    return redirect("launch", launch_id)


@require_POST
def launch_chat(request: HttpRequest, launch_id: UUID) -> HttpResponse:
    demand_operator(request)
    key = f"chat:{launch_id}"
    history = request.session.get(key, [])
    prompt = request.POST.get("prompt", "").strip()[: chat.MAX_PROMPT]
    if prompt:
        request.session[key] = chat.chat_reply(launch_document(launch_or_404(launch_id)), history, prompt)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "launch.html", launch_context(request, launch_id))
    return redirect("launch", launch_id)
