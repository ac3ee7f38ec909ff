"""Serializers that validate a whole body: unknown fields are refused by name, errors name fields by their JSON path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.settings import api_settings

from rest.problems import flatten

PLACE = re.compile(r"\.(\d+)(?=\.|$)")


class Strict(serializers.Serializer[Any]):
    """Refuses fields it does not know, by name: a misspelt demand must not be dropped in silence."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: ["This must be a JSON object."]})
        unknown = [key for key in data if key not in self.fields]
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {str(key): [f"{key} is not known here; known are {known}."] for key in unknown}
            )
        return super().to_internal_value(data)


def checked(shape: serializers.Serializer[Any], given: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """`given` with defaults filled in, and the errors as [{"field": "workload.context", "message": "..."}].

    Pass one long-lived `shape`: a new one for every question would copy all its fields.
    """
    try:
        return plain(shape.run_validation(given)), []
    except serializers.ValidationError as error:
        # List positions are written as in JSON, accelerators[0].count, as the hardware app's own errors are.
        return {}, [e | {"field": PLACE.sub(r"[\1]", e["field"])} for e in flatten(error.detail)]


def plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value
