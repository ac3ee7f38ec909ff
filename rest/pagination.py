"""Cursor pagination: a cursor is a position in a total order, not an offset, so rows added meanwhile shift nothing."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson
from django.core.exceptions import ValidationError as ModelError
from django.db.models import F, Model, Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

LIMIT, MOST = 100, 500
NO_CURSOR = "This is not a cursor of this list."


class CursorPages(BasePagination):
    """Takes `limit` (at most 500) and `cursor`; answers {"next", "previous", "results"}. Nulls sort last either way."""

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any]:
        self.url = request.build_absolute_uri()
        limit = _limit(request.query_params.get("limit"))
        self.order = _order(queryset)
        backward, position = self._decode(request.query_params.get("cursor"))
        terms = [_term(name, descending, backward) for name, descending in self.order]
        if position is None:
            rows = list(queryset.order_by(*terms)[: limit + 1])
        else:
            try:
                rows = list(queryset.filter(_beyond(self.order, position, backward)).order_by(*terms)[: limit + 1])
            # raised by the columns themselves for the unpacked values
            except (ValueError, TypeError, OverflowError, ModelError):
                raise ValidationError({"cursor": [NO_CURSOR]}) from None
        more, rows = len(rows) > limit, rows[:limit]
        if backward:
            rows.reverse()
        self.has_next = more if not backward else True
        self.has_previous = position is not None if not backward else more
        self.rows = rows
        return rows

    def get_paginated_response(self, data: list[Any]) -> Response:
        return Response({"next": self._link(forward=True), "previous": self._link(forward=False), "results": data})

    def _link(self, *, forward: bool) -> str | None:
        if not self.rows or not (self.has_next if forward else self.has_previous):
            return None
        row = self.rows[-1 if forward else 0]
        names = [name for name, _ in self.order]
        packed = orjson.dumps([not forward, names, [_value(row, name) for name in names]], default=str)
        return replace_query_param(self.url, "cursor", base64.urlsafe_b64encode(packed).decode().rstrip("="))

    def _decode(self, text: str | None) -> tuple[bool, list[Any] | None]:
        if not text:
            return False, None
        try:
            backward, names, position = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (ValueError, TypeError, binascii.Error):
            raise ValidationError({"cursor": [NO_CURSOR]}) from None
        if names != [name for name, _ in self.order] or not isinstance(position, list) or len(position) != len(names):
            raise ValidationError({"cursor": ["This cursor belongs to another ordering."]})
        if any(isinstance(value, (dict, list)) or "\0" in str(value) for value in position):
            raise ValidationError({"cursor": [NO_CURSOR]})
        return bool(backward), position

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        whole = {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}
        return [
            {"name": "limit", "in": "query", "required": False, "description": "Rows a page.", "schema": whole},
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "Taken from `next` or `previous`.",
                "schema": {"type": "string"},
            },
        ]


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST:
        raise ValidationError({"limit": [f"limit must be a whole number from 1 to {MOST}."]})
    return int(text)


def _order(queryset: QuerySet[Any]) -> list[tuple[str, bool]]:
    """(field, descending) for each field of the queryset's order, made total by the primary key."""
    names = [str(name) for name in queryset.query.order_by or queryset.model._meta.ordering]
    order = [(name.lstrip("-"), name.startswith("-")) for name in names]
    return order if any(name == "pk" for name, _ in order) else [*order, ("pk", False)]


def _term(name: str, descending: bool, backward: bool) -> Any:
    last = {"nulls_first": True} if backward else {"nulls_last": True}
    return F(name).desc(**last) if descending != backward else F(name).asc(**last)


def _beyond(order: list[tuple[str, bool]], position: list[Any], backward: bool) -> Q:
    """Rows after the position (before it when `backward`): equal in the first fields, beyond it in the next one."""
    found, equal = Q(pk__in=[]), Q()
    for (name, descending), value in zip(order, position, strict=True):
        if value is None:
            step = Q(**{f"{name}__isnull": False}) if backward else Q(pk__in=[])
            same = Q(**{f"{name}__isnull": True})
        else:
            step = Q(**{f"{name}__{'lt' if descending != backward else 'gt'}": value})
            if not backward:
                step |= Q(**{f"{name}__isnull": True})
            same = Q(**{name: value})
        found |= equal & step
        equal &= same
    return found


def _value(row: Model, name: str) -> Any:
    value: Any = row
    for step in name.split("__"):
        value = getattr(value, step)
    return value
