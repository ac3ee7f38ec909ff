"""ETags on detail answers: `If-None-Match` on reads, and `If-Match` on writes, checked under the row's lock."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from django.db import transaction
from django.db.models import ProtectedError, QuerySet
from django.utils.http import parse_etags
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from rest.problems import Problem


def etag(data: Any) -> str:
    """The strong entity tag of a representation."""
    return f'"{hashlib.sha256(orjson.dumps(data, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]}"'


def named(header: str) -> set[str]:
    """The tags listed in a header, or "*".

    A weak tag counts as the strong one: GZipMiddleware weakens the tags of answers that it compresses, and clients send
    those back.
    """
    return {tag.removeprefix("W/") for tag in parse_etags(header)}


def answer(request: Request, data: Any, tag: str | None = None) -> Response:
    """A tagged representation, or 304 when the client already has it."""
    tag = tag or etag(data)
    if named(request.headers.get("If-None-Match", "")) & {"*", tag}:
        return Response(status=304, headers={"ETag": tag})
    return Response(data, headers={"ETag": tag})


class ETagged:
    """Mixin for ModelViewSets: `write_serializer_class` reads the body, `serializer_class` renders the answer."""

    tagged = True  # read by the OpenAPI schema
    write_serializer_class: Any = None

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()  # type: ignore[misc]
        if getattr(self.request, "method", None) in (None, *SAFE_METHODS):  # type: ignore[attr-defined]
            return rows
        # Lock only the row itself: PostgreSQL refuses to lock the nullable side of an outer join.
        return rows.select_for_update(of=("self",))

    def represent(self, row: Any) -> Any:
        return self.get_serializer(row).data  # type: ignore[attr-defined]

    def writer(self, *args: Any, **kwargs: Any) -> Any:
        chosen = self.write_serializer_class or self.serializer_class  # type: ignore[attr-defined]
        return chosen(*args, context=self.get_serializer_context(), **kwargs)  # type: ignore[attr-defined]

    def written(self, row: Any, status: int = 200) -> Response:
        data = self.represent(row)
        return Response(data, status, headers={"ETag": etag(data)})

    def reread(self, pk: Any) -> Any:
        return self.get_queryset().get(pk=pk)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return answer(request, self.represent(self.get_object()))  # type: ignore[attr-defined]

    @transaction.atomic
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        writer = self.writer(data=request.data)
        writer.is_valid(raise_exception=True)
        return self.written(self.reread(writer.save().pk), 201)

    @transaction.atomic
    def update(self, request: Request, *args: Any, partial: bool = False, **kwargs: Any) -> Response:
        row = self._matched(request)
        writer = self.writer(row, data=request.data, partial=partial)
        writer.is_valid(raise_exception=True)
        return self.written(self.reread(writer.save().pk))

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        try:
            self._matched(request).delete()
        except ProtectedError as error:
            count = len(error.protected_objects)
            raise Problem(409, f"It is still used by {count} other row{'s' if count > 1 else ''}.") from error
        return Response(status=204)

    def _matched(self, request: Request) -> Any:
        row = self.get_object()  # type: ignore[attr-defined]
        condition = request.headers.get("If-Match")
        # A header that cannot be parsed names no tag and fails the precondition; the write must not go through as if it
        # were absent.
        if condition is not None and not named(condition) & {"*", etag(self.represent(row))}:
            raise Problem(412, "The row was changed since it was read; read it again and repeat the change.")
        return row
