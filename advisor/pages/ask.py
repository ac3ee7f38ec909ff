"""The page "what can I run here?"."""

from __future__ import annotations

import shutil
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from advisor.answers import compare_plans, wording
from advisor.answers.recommend import recommend
from advisor.launch.queue import fetchable, launchable
from advisor.monitoring.answer_counts import counted
from advisor.pages import hardware_suggestions
from advisor.pages.charts.quality_speed import quality_speed_chart
from advisor.pages.forms import CostedForm
from advisor.pages.hardware_suggestions import EXAMPLES
from advisor.pages.permissions import HOW_TO, may_operate
from advisor.pages.query import filled_query, machine_query, with_picks
from advisor.question.errors import Invalid
from advisor.question.parse import Question, parse_query
from advisor.selectors.catalog import model_names
from hardware.hosts import host_document

LEGEND = (
    ("weights", "weights"),
    ("kv", "KV cache"),
    ("compute", "compute buffers"),
    ("overhead", "driver and kernels"),
)


@require_safe
@ensure_csrf_cookie
def ask_page(request: HttpRequest) -> HttpResponse:
    query = filled_query(request)
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
        with counted("recommendation") as count:
            question = parse_query(query)
            answer = count(recommend(question))
        context["answer"] = decorated(answer.document, local and may_operate(request))
        context["headline"] = wording.headline(context["answer"]["results"])
        context["scatter"] = quality_speed_chart(context["answer"]["results"])
        context |= compared(question, query, picks, context["answer"]["results"], expanded)
        if local and may_operate(request):
            context["ready"] = ready_to_launch(question)
        elif local:
            context["how_to_operate"] = HOW_TO
    except Invalid as error:
        context["errors"] = form.place(error.errors) + form.told()
        if error.status == 422:
            context |= hardware_suggestions.suggestion_links(query, error.errors)
        status = error.status
    # htmx swaps nothing on an error status, and the user must see the sentence.
    return render(request, "ask.html", context, status=200 if request.htmx else status)  # type: ignore[attr-defined]


def compared(
    question: Question, query: QueryDict, picks: list[str], results: list[dict[str, Any]], expanded: str | None
) -> dict[str, Any]:
    """The context of the marked plans side by side, and of the other plans of one expanded model."""
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


def decorated(answer: dict[str, Any], launchable_here: bool) -> dict[str, Any]:
    names = [device["name"] for device in answer["hardware"]["accelerators"]]
    called = model_names()
    return answer | {
        "results": [
            wording.page_result(r, launchable=launchable_here and launchable(r), names=names)
            | {"key": compare_plans.plan_key(r), "fetch": fetch_words(r) if launchable_here and fetchable(r) else None}
            for r in answer["results"]
        ],
        "rejected": [wording.page_rejection(r, called.get(r["model"], r["model"])) for r in answer["rejected"]],
    }


def fetch_words(result: dict[str, Any]) -> dict[str, Any]:
    """What is told before the click: size, source, terms, and the room on the disk."""
    root = next((path for path in (settings.MODEL_ROOTS[0], settings.BERTH_DATA) if path.exists()), None)
    return {
        "gigabytes": result["build"]["bytes"] / 1e9,
        "repo": result["build"]["repo"],
        "terms": wording.terms(result["model"]),
        "free": shutil.disk_usage(root).free / 1e9 if root else None,
    }


def ready_to_launch(question: Question) -> list[dict[str, Any]]:
    here = recommend(question.but(on_disk=True, limit=5, rejected_limit=0))
    return decorated(here.document, True)["results"]
