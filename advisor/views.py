"""The page. Each view calls a service or selector and renders; judgement lives elsewhere."""

from __future__ import annotations

import json
import shlex
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advisor import chat, model_page, ways
from advisor.answers import about as about_page
from advisor.answers import compare_plans, wording
from advisor.answers.launch_request import request_launch
from advisor.answers.model_rank import model_rank
from advisor.answers.recommend import recommend
from advisor.forms import AskForm, CostedForm
from advisor.launch.document import launch_document
from advisor.launch.engine_process import log_tail
from advisor.launch.queue import get_launch, launchable, recent_launches
from advisor.launch.refused import LaunchRefused
from advisor.launch.transitions import stop_launch
from advisor.models import Launch
from advisor.operators import may_operate
from advisor.question.errors import DoesNotFit, Invalid
from advisor.question.parse import question_from_query, validated
from advisor.question.query_string import CARRIED
from advisor.scatter import scatter
from advisor.selectors.catalog import model_names
from advisor.ways import EXAMPLES
from hardware.hosts import documents, host_document

LEGEND = (
    ("weights", "weights"),
    ("kv", "KV cache"),
    ("compute", "compute buffers"),
    ("overhead", "driver and kernels"),
)


def given(request: HttpRequest) -> QueryDict:
    """The query without the blanks that an HTML form sends for every field left alone."""
    query = request.GET.copy()
    for key in list(query):
        values = [value for value in query.getlist(key) if value.strip()]
        if values:
            query.setlist(key, values)
        else:
            del query[key]
    return query


@require_safe
@ensure_csrf_cookie
def ask(request: HttpRequest) -> HttpResponse:
    query = given(request)
    picks = list(dict.fromkeys(query.pop("compare", [])))
    expanded = query.pop("plans", [None])[-1]
    form = CostedForm(query.dict())
    local = not any(key in query for key in ("hw", "gpu", "host"))
    context: dict[str, Any] = {
        "page": "ask",
        "form": form,
        "stated": query.get("hw") or query.get("gpu"),
        "examples": EXAMPLES,
        "legend": LEGEND,
        "host": host_document("local") if local else None,
        "api_url": f"{reverse('recommendations')}?{query.urlencode()}",
        "machine": machine_query(query),
        "query": with_picks(query, picks),
    }
    status = 200
    try:
        question = question_from_query(query)
        answer = recommend(question)
        context["answer"] = decorated(answer, local and may_operate(request))
        context["headline"] = wording.headline(context["answer"]["results"])
        context["scatter"] = scatter(context["answer"]["results"])
        context |= compared(question, query, picks, context["answer"]["results"], expanded)
        if local and may_operate(request):
            context["ready"] = ready_to_launch(question)
    except Invalid as error:
        context["errors"] = form.place(error.errors) + form.told()
        if error.status == 422:
            context |= ways.links(query, error.errors)
        status = error.status
    # htmx swaps nothing on an error status, and a person must see the sentence
    return render(request, "ask.html", context, status=200 if request.htmx else status)  # type: ignore[attr-defined]


def compared(
    question: dict[str, Any], query: QueryDict, picks: list[str], results: list[dict[str, Any]], expanded: str | None
) -> dict[str, Any]:
    """The plans that are marked, beside each other, and the other plans of one model."""
    found = compare_plans.side_by_side(question, picks)
    columns = found["columns"] if found else []
    for column in columns:
        left = with_picks(query, [c["key"] for c in columns if c is not column])
        column["without"] = f"{reverse('ask')}?{left}"
    others = compare_plans.plans_of_model(question, expanded)[1:] if expanded else []
    here = {result["key"] for result in [*results, *others]}
    keys = [column["key"] for column in columns]
    return {
        "beside": found,
        "picked": keys,
        "elsewhere": [key for key in keys if key not in here],
        "expanded": expanded,
        "others": others,
    }


def with_picks(query: QueryDict, picks: list[str]) -> str:
    more = query.copy()
    more.setlist("compare", picks)
    return more.urlencode()


def decorated(answer: dict[str, Any], launchable_here: bool) -> dict[str, Any]:
    names = [device["name"] for device in answer["hardware"]["accelerators"]]
    called = model_names()
    return answer | {
        "results": [
            wording.page_result(r, launchable=launchable_here and launchable(r), names=names)
            | {"key": compare_plans.plan_key(r)}
            for r in answer["results"]
        ],
        "rejected": [wording.page_rejection(r, called.get(r["model"], r["model"])) for r in answer["rejected"]],
    }


def machine_query(query: QueryDict) -> str:
    """The part of a query that names the machine and the use, for a link; empty for this machine in general."""
    kept = QueryDict(mutable=True)
    for key in CARRIED:
        if key in query:
            kept[key] = query[key]
    return f"?{kept.urlencode()}" if kept else ""


@require_safe
def model(request: HttpRequest, slug: str) -> HttpResponse:
    known = model_page.known(slug)
    if known is None:
        raise Http404
    query = given(request)
    if known["model"].task == "embedding":
        query.setdefault("use_case", "embedding")
    context = known | {
        "page": "model",
        "form": AskForm(query.dict()),
        "stated": query.get("hw") or query.get("gpu"),
        "examples": EXAMPLES,
    }
    status = 200
    try:
        question = question_from_query(query)
        asked = validated(question)
        context |= model_page.memory(known["model"], asked["hardware"], asked["workload"]["context"])
        context["standing"] = model_rank(question, slug)
    except Invalid as error:
        context["errors"], status = [one["message"] for one in error.errors], error.status
    return render(request, "model.html", context | {"machine": machine_query(query)}, status=status)


def ready_to_launch(question: dict[str, Any]) -> list[dict[str, Any]]:
    return decorated(recommend(question | {"on_disk": True, "limit": 5, "rejected_limit": 0}), True)["results"]


@require_http_methods(["GET", "HEAD", "POST"])
def launches(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "launches.html", {"page": "launches", "launches": recent_launches()})
    demand_operator(request)
    try:
        launch, _ = request_launch(
            host="local",
            build=request.POST.get("build"),
            engine=request.POST.get("engine"),
            settings=json.loads(request.POST.get("settings", "null")),
            owner=str(request.user),
        )
    except (Invalid, DoesNotFit, LaunchRefused, json.JSONDecodeError) as error:
        messages.error(request, f"Not launched: {error}")
        return redirect("ask")
    return redirect("launch", launch.id)


def demand_operator(request: HttpRequest) -> None:
    if not may_operate(request):
        raise PermissionDenied("Sign in to the catalog admin as staff to launch, stop and chat from here.")


def found(launch_id: UUID) -> Launch:
    try:
        return get_launch(launch_id)
    except Launch.DoesNotExist as error:
        raise Http404 from error


@require_safe
@ensure_csrf_cookie
def launch(request: HttpRequest, launch_id: UUID) -> HttpResponse:
    context = launch_context(request, launch_id)
    answer = render(request, "launch.html", context)
    if request.htmx and request.GET.get("seen", "") != context["launch"]["status"]:  # type: ignore[attr-defined]
        answer["HX-Refresh"] = "true"  # the chat and the endpoint come and go with the status
    return answer


def launch_context(request: HttpRequest, launch_id: UUID) -> dict[str, Any]:
    document = launch_document(found(launch_id))
    document["moving"] = document["status"] in ("queued", "downloading", "starting", "ready", "stopping")
    measured = document["measured"]
    document["measured_by"] = wording.SOURCES.get(measured["source"]) if measured else None
    if measured and measured.get("total_bytes"):
        document["error_percent"] = 100 * (document["predicted"]["total_bytes"] / measured["total_bytes"] - 1)
    return {
        "page": "launches",
        "launch": document,
        "may_operate": may_operate(request),
        "command": shlex.join(document["command"]),
        "curl": chat.curl(document),
        "log": log_tail(launch_id),
        "chat": request.session.get(f"chat:{launch_id}", []),
    }


@require_POST
def launch_stop(request: HttpRequest, launch_id: UUID) -> HttpResponse:
    demand_operator(request)
    stop_launch(found(launch_id).pk)
    return redirect("launch", launch_id)


@require_POST
def launch_chat(request: HttpRequest, launch_id: UUID) -> HttpResponse:
    demand_operator(request)
    key = f"chat:{launch_id}"
    history = request.session.get(key, [])
    prompt = request.POST.get("prompt", "").strip()[: chat.MAX_PROMPT]
    if prompt:
        request.session[key] = chat.answer(launch_document(found(launch_id)), history, prompt)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "launch.html", launch_context(request, launch_id))
    return redirect("launch", launch_id)


@require_safe
def hardware(request: HttpRequest) -> HttpResponse:
    read, silent = documents()
    hosts = [wording.page_host(document, host.name) for host, document in read]
    return render(request, "hardware.html", {"page": "hardware", "hosts": hosts, "silent": silent})


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "about.html", about_page.about_document() | {"page": "about"})
