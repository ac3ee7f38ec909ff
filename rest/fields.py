"""Serializer fields that take JSON types strictly: no number in quotes, no 1 for true. Form text is parsed before."""

from __future__ import annotations

import math
from typing import Any

from django.db import models
from rest_framework import serializers


class Text(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text


class Whole(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, (bool, str)):
            self.fail("invalid")
        value: int = super().to_internal_value(data)
        return value


class Finite(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, (bool, str)):
            self.fail("invalid")
        value: float = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class Truth(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Unknown:
    """Mixin for text that may be unknown: null in the API, an empty string in the column."""

    def to_representation(self, value: Any) -> str | None:
        return str(value) or None

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(data) or ""  # type: ignore[misc]


class UnknownText(Unknown, Text):
    pass


class UnknownLink(Unknown, serializers.URLField):
    pass


# For ModelSerializers: field class -> the class for a column that may be empty.
UNKNOWN: dict[type, type] = {Text: UnknownText, serializers.URLField: UnknownLink}
# For ModelSerializers: model field -> serializer field.
MAPPING = serializers.ModelSerializer.serializer_field_mapping | {
    models.CharField: Text,
    models.TextField: Text,
    models.BooleanField: Truth,
    models.FloatField: Finite,
    models.PositiveIntegerField: Whole,
    models.PositiveBigIntegerField: Whole,
}
