"""The page that compares two machines."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from advisor.answers.compare_machines import compare_machines
from advisor.pages.forms import AskForm
from advisor.pages.hardware_suggestions import EXAMPLES
from advisor.pages.query import filled_query
from advisor.question import query_string
from advisor.question.errors import Invalid
from advisor.question.parse import Question, body_of_query, parse

SIDES = ("a", "b")
TAKEN = ("prefer", *(key for key, (path, _) in query_string.KEYS.items() if path[0] == "workload"))
UNSTATED = "Describe this machine, such as RTX 4090, 64 GB RAM."


def machine(label: str, example: str) -> forms.CharField:
    typed = {"placeholder": example, "list": "hardware-examples", "autocomplete": "off"}
    return forms.CharField(label=label, required=False, widget=forms.TextInput(typed))


class CompareForm(AskForm):
    a = machine("One machine", "RTX 4090, 64 GB RAM")
    b = machine("The other", "M3 Max 64 GB")
    # filters that this page does not show; errors in them are listed above the form
    hw = languages = input_modalities = tool_use = None
    field_order = SIDES


@require_safe
def compare_page(request: HttpRequest) -> HttpResponse:
    asked = filled_query(request).dict()
    form = CompareForm(asked)
    context: dict[str, Any] = {"page": "compare", "form": form, "examples": EXAMPLES}
    status = 200
    if asked:
        try:
            context["answer"] = decorated(answered(asked))
            context["stated"] = {name: asked[name] for name in SIDES}
        except Invalid as error:
            context["errors"] = form.place(error.errors)
            status = error.status
    return render(request, "compare.html", context, status=status)


def answered(asked: dict[str, str]) -> dict[str, Any]:
    """The comparison for the page's query.

    Raises Invalid for a missing or unknown machine, a key of another page, or a wrong field.
    """
    told = f"is not a query key here; known are {', '.join([*SIDES, *TAKEN])}."
    wrong = [{"field": name, "message": UNSTATED} for name in SIDES if name not in asked]
    wrong += [{"field": key, "message": f"{key} {told}"} for key in asked if key not in (*SIDES, *TAKEN)]
    if wrong:
        raise Invalid(wrong)
    body = body_of_query({key: text for key, text in asked.items() if key in TAKEN})
    return compare_machines({name: about(name, asked[name], body) for name in SIDES})


def about(name: str, text: str, body: dict[str, Any]) -> Question:
    """The question about one of the two machines; errors in its hardware text are reported on the field `name`."""
    try:
        return parse(body | {"hardware": {"text": text}})
    except Invalid as error:
        named = (name if e["field"].startswith("hardware") else e["field"] for e in error.errors)
        errors = [e | {"field": field} for e, field in zip(error.errors, named, strict=True)]
        raise Invalid(errors, error.status) from error


def decorated(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with results side by side, and in words which machine is faster."""
    sides = [answer["sides"][name]["results"] for name in SIDES]
    longest = max(map(len, sides))
    return answer | {
        "places": [(n + 1, *(s[n] if n < len(s) else None for s in sides)) for n in range(longest)],
        "common": [row | {"words": ratio(row["ratio"])} for row in answer["common"]],
    }


def ratio(value: float) -> str:
    if 0.95 < value < 1.05:
        return "about the same"
    return f"{'A' if value > 1 else 'B'}, {max(value, 1 / value):.2g} times"
