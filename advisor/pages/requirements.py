"""The page of the reverse question: the hardware that a model needs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from advisor.answers import wording
from advisor.answers.requirements import hardware_for_model
from advisor.monitoring.answer_counts import counted
from advisor.pages.forms import AskForm
from advisor.pages.query import filled_query
from advisor.question.errors import Invalid
from advisor.question.parse import body_of_query, parse_requirements
from advisor.selectors.catalog import model_names

LIMIT = 30


class RequirementsForm(AskForm):
    model = forms.CharField(
        label="Model",
        required=False,
        widget=forms.TextInput({"placeholder": "qwen3-32b", "list": "models", "autocomplete": "off"}),
        help_text="A name of the catalog.",
    )
    field_order = ("model",)


@require_safe
def requirements_page(request: HttpRequest) -> HttpResponse:
    asked = filled_query(request)
    form = RequirementsForm(asked.dict())
    names = model_names()
    context: dict[str, Any] = {"page": "requirements", "form": form, "models": names}
    status = 200
    if asked:
        wanted = asked.dict()
        name = wanted.pop("model", "")
        try:
            with counted("requirement") as count:
                body = body_of_query(wanted) | {"model": slug(name, names), "limit": LIMIT}
                found = count(hardware_for_model(parse_requirements(body)))
            answer = found.document
            context["answer"] = answer | {
                "name": names[answer["model"]],
                "results": [
                    r | {"fullest": max(r["memory"]["devices"], key=total), "pace": wording.pace_words(r)}
                    for r in answer["results"]
                ],
                "rejected": [wording.page_rejection(r, names.get(r["model"], r["model"])) for r in answer["rejected"]],
            }
        except Invalid as error:
            context["errors"] = form.place(error.errors)
            status = error.status
    return render(request, "requirements.html", context, status=status)


def total(device: dict[str, Any]) -> int:
    return int(device["total"])


def slug(name: str, names: dict[str, str]) -> str:
    """A model's slug, from its slug or its name as people write it."""
    wanted = name.strip().lower()
    return next((key for key, shown in names.items() if wanted in (key, shown.lower())), name.strip())
