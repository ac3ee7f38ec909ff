"""Strict requests: unknown query keys, body fields and orderings are answered with 400 and named."""

from __future__ import annotations

import copy
from typing import Any

from django.core.exceptions import ValidationError as ModelError
from rest_framework import filters, serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from rest import fields

PAGE_KEYS = ("limit", "cursor", "search", "ordering")


class Ordering(filters.OrderingFilter):
    """`ordering=name,-released`; a field that is not offered is a 400 instead of being ignored."""

    def remove_invalid_fields(self, queryset: Any, fields: list[str], view: Any, request: Request) -> list[str]:
        offered = [name for name, _ in self.get_valid_fields(queryset, view, {"request": request})]
        for field in fields:
            if field.lstrip("-") not in offered:
                raise ValidationError({"ordering": [f"ordering must name one of {', '.join(offered)}, not '{field}'."]})
        return fields


class StrictQuery:
    """View mixin: refuses query keys that neither the list's filters nor `query_keys` declare, and repeated keys."""

    query_keys: tuple[str, ...] = ()

    def lists(self, request: Request) -> bool:
        return getattr(self, "action", None) == "list"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if not hasattr(self, str(request.method).lower()):
            return  # the answer is 405 whatever the query
        known = set(self.query_keys)
        if self.lists(request):
            filterset = getattr(self, "filterset_class", None)
            known |= {*PAGE_KEYS, *(filterset.base_filters if filterset else ())}
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            told = f"It is one of {', '.join(sorted(known))}." if known else "Nothing can be asked here."
            raise ValidationError({key: [f"There is no query key '{key}'. {told}"] for key in unknown})
        once(request)


def once(request: Request) -> None:
    """Raises ValidationError for a repeated query key, because it is ambiguous."""
    twice = [key for key, values in request.query_params.lists() if len(values) > 1]
    if twice:
        raise ValidationError({key: [f"The query key '{key}' must come once."] for key in twice})


class StrictFields:
    """For serializers: refuses body fields that do not exist or cannot be written."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            fields = self.fields  # type: ignore[attr-defined]
            unknown = [key for key in data if key not in fields]
            if unknown:
                raise ValidationError({key: [f"There is no field '{key}'."] for key in unknown})
        return super().to_internal_value(data)  # type: ignore[misc]


class StrictModelSerializer(StrictFields, serializers.ModelSerializer):  # type: ignore[type-arg]
    """Also asks the model itself: `clean` and the constraints of the database, as sentences by field."""

    serializer_field_mapping = fields.MAPPING

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        kind, options = super().build_standard_field(field_name, model_field)
        if options.get("allow_blank") and kind in fields.UNKNOWN:
            return fields.UNKNOWN[kind], options | {"allow_null": True}
        return kind, options

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        row = copy.copy(self.instance) if self.instance else self.Meta.model()
        for name, value in attrs.items():
            setattr(row, name, value)
        try:
            row.full_clean(validate_unique=False)
        except ModelError as error:
            names = {field.source: name for name, field in self.fields.items()}
            found = {names.get(name, "non_field_errors"): told for name, told in error.message_dict.items()}
            raise ValidationError(found) from error
        return attrs
