"""The question as a form. Widgets and labels only: `question.serializers` validates, for every entry point alike."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from advisor.fit.use_cases import USE_CASES

CONTEXTS = [
    ("4096", "4k tokens · about 6 pages"),
    ("8192", "8k · about 12 pages"),
    ("16384", "16k · about 25 pages"),
    ("32768", "32k · about 50 pages"),
    ("65536", "64k · about 100 pages"),
    ("131072", "128k · about 200 pages"),
    ("262144", "256k · about 400 pages"),
]
FILTERS = (
    *("concurrency", "min_decode_tokens_per_second", "prefer", "licence"),
    *("languages", "input_modalities", "tool_use"),
)
PREFER = [("balanced", "Balanced"), ("quality", "Quality first"), ("speed", "Speed first")]
LICENCES = [("any", "Any licence"), ("commercial", "Commercial use allowed")]


def cost_field(label: str, example: str, help_text: str = "") -> forms.CharField:
    widget = forms.NumberInput(attrs={"min": 0, "step": "any", "placeholder": example})
    return forms.CharField(label=label, required=False, widget=widget, help_text=help_text)


class AskForm(forms.Form):
    hw = forms.CharField(
        label="Hardware",
        required=False,
        widget=forms.TextInput({"placeholder": "this machine", "list": "hardware-examples", "autocomplete": "off"}),
        help_text="Empty: the machine that runs Berth. Or in words: “2x RTX 3090, 64 GB RAM”.",
    )
    use_case = forms.ChoiceField(
        label="What for",
        choices=[(use.name, use.label) for use in USE_CASES.values()],
        required=False,
        initial="general",
    )
    context = forms.ChoiceField(
        label="Context per request",
        choices=CONTEXTS,
        required=False,
        help_text="Documents, question and answer together.",
    )
    concurrency = forms.CharField(
        label="Requests at once",
        required=False,
        initial="1",
        widget=forms.NumberInput(attrs={"min": 1, "max": 1024}),
        help_text="Each keeps its own context in memory.",
    )
    min_decode_tokens_per_second = forms.CharField(
        label="At least tokens/s",
        required=False,
        widget=forms.NumberInput(attrs={"min": 0, "step": "any", "placeholder": "any"}),
        help_text="6 is about as fast as one reads.",
    )
    prefer = forms.ChoiceField(label="Prefer", choices=PREFER, required=False, initial="balanced")
    licence = forms.ChoiceField(label="Licence", choices=LICENCES, required=False, initial="any")
    languages = forms.CharField(
        label="Languages", required=False, widget=forms.TextInput(attrs={"placeholder": "any, e.g. en,de"})
    )
    input_modalities = forms.BooleanField(
        label="Must read images", required=False, widget=forms.CheckboxInput({"value": "image"})
    )
    tool_use = forms.BooleanField(
        label="Must call tools", required=False, widget=forms.CheckboxInput({"value": "true"})
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(self.with_defaults(data), **kwargs)
        chosen = self.data.get("context", "")
        if chosen.isdigit() and chosen not in dict(CONTEXTS):
            field = self.fields["context"]
            field.choices = [*CONTEXTS, (chosen, f"{int(chosen):,} tokens")]  # type: ignore[attr-defined]

    def with_defaults(self, data: Any) -> dict[str, str]:
        """The data with defaults filled in, so that a partial bookmarked question shows what the answer assumed."""
        given = {key: value for key, value in (data or {}).items() if value != ""}
        use = USE_CASES.get(given.get("use_case", "general"), USE_CASES["general"])
        assumed = {"context": str(use.context)}
        first = {name: str(field.initial) for name, field in self.base_fields.items() if field.initial is not None}
        return first | assumed | given

    def place(self, errors: list[dict[str, str]]) -> list[str]:
        """Attach each error of the question to its field; return those that belong to none."""
        self.is_valid()
        self._errors = forms.utils.ErrorDict()
        loose = []
        for error in errors:
            path = error["field"]
            name = "hw" if path.startswith("hardware") else re.sub(r"\[\d+\]", "", path.rpartition(".")[2])
            if name in self.fields:
                self.add_error(name, error["message"])
            else:
                loose.append(f"{path}: {error['message']}")
        return loose

    def told(self) -> list[str]:
        """The field errors again, under the fields' labels, to show in place of the answer."""
        return [f"{self[name].label}: {message}" for name, found in self.errors.items() for message in found]

    def filtered(self) -> bool:
        """Whether a filter is set or invalid: a narrow page then shows all filters."""
        return any(
            self[name].errors or self.data.get(name, "") not in ("", str(field.initial))
            for name, field in self.fields.items()
            if name in FILTERS
        )


class CostedForm(AskForm):
    """The question with the inputs for cost per million tokens, as on the first page."""

    price_per_kwh = cost_field("$ per kWh", "e.g. 0.3")
    power_watts = cost_field("Watts at load", "of the cards")
    purchase_price = cost_field("Price paid, $", "e.g. 2500")
    years = cost_field("Over years", "e.g. 3")
    utilisation = cost_field("Share at work", "e.g. 0.25", "0.25 is six hours a day.")

    def costs(self) -> list[forms.BoundField]:
        return [self[name] for name in ("price_per_kwh", "power_watts", "purchase_price", "years", "utilisation")]

    def costs_asked(self) -> bool:
        return any(self.data.get(field.name) or field.errors for field in self.costs())
