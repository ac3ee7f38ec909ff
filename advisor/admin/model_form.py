"""The admin form of a model: accepts a pasted config.json, and shows its parameter count beside the form."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from advisor.fit.architectures.computed_header import parameters
from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.architectures.hub_config import hub_facts
from advisor.intake.computed_builds import agreed
from advisor.templatetags.berth import count
from catalog.live_validation import LiveForm

START = {
    "input_modalities": ["text"],
    "provenance": {"sources": [""], "confidence": ""},  # a template to fill in: left as it is, it is refused
}


class ModelForm(LiveForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "architecture" in self.fields:  # absent for users with view permission only
            self.fields[
                "architecture"
            ].help_text = f"Paste the model's config.json. {self.fields['architecture'].help_text}"

    def clean_architecture(self) -> Any:
        """Convert a config.json as on the hub into the catalog's facts; those pass unchanged."""
        given = self.cleaned_data["architecture"]
        if not isinstance(given, dict) or "arch" in given:
            return given
        try:
            return hub_facts(given)
        except UnknownLayout as error:
            raise ValidationError(str(error)) from error


def sums(model: Any) -> list[str]:
    """A sentence on how well the architecture accounts for the stated parameters."""
    if not model.architecture:
        return ["Without an architecture no memory is promised of this model, so it is in no answer."]
    row = {
        "architecture": model.architecture,
        "parameters_total": model.parameters_total,
        "native_dtype": model.native_dtype,
        "input_modalities": model.input_modalities,
        "flags": model.flags,
    }
    try:
        total, active = parameters(agreed(row))
    except UnknownLayout as error:
        return [f"No build can be computed: {error}"]
    except ArithmeticError:
        return ["No build can be computed: the architecture states a width or period of zero."]
    return [f"The architecture adds up to {total:,} parameters ({count(total)}), {count(active)} active for a token."]
