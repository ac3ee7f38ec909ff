"""The model files of a host, as its index has them."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import django_filters as filters
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.filters import SearchFilter
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from advisor.api import query_parameters, schemas
from advisor.models import LocalFile
from hardware.hosts import host_id
from hardware.models import Host
from rest.pagination import CursorPages
from rest.strict import Ordering, StrictQuery
from rest.typed_shapes import shape


class ModelFile(TypedDict):
    """A model file on a host: all parts of a split one are one, under the path of the first."""

    path: str
    bytes: int
    format: str
    architecture: str | None
    quantization: str | None
    sha256: str | None
    model: Annotated[str | None, {"description": "slug, where it is certainly a build of the catalog"}]
    build: Annotated[str | None, {"description": "id of the catalog's build, else file: and 12 hex digits"}]
    origin: Annotated[str, {"enum": ["folder", "hub cache", "lm studio", "ollama", "llama.cpp cache", "bundled"]}]
    complete: bool
    kind: Annotated[str, {"enum": LocalFile.Kind.values}]
    launchable: bool
    problem: str | None


class ModelFilePage(TypedDict):
    next: str | None
    previous: str | None
    results: list[ModelFile]


class FileFilter(filters.FilterSet):
    class Meta:
        model = LocalFile
        fields = ["origin", "kind", "complete", "model", "build", "architecture"]


def file_document(row: LocalFile) -> ModelFile:
    sums = [part["sha256"] for part in row.parts]
    return {
        "path": row.path,
        "bytes": row.bytes,
        "format": row.format,
        "architecture": row.architecture or None,
        "quantization": row.quantization or None,
        "sha256": sums[0] if len(sums) == 1 else None,
        "model": row.model or None,
        "build": row.build or None,
        "origin": row.origin,
        "complete": row.complete,
        "kind": row.kind,
        "launchable": bool(row.build and row.complete and not row.problem),
        "problem": row.problem or None,
    }


class Files(StrictQuery, GenericAPIView[LocalFile]):
    read_scope = "read"
    queryset = LocalFile.objects.defer("sizes")
    pagination_class = CursorPages
    filter_backends = (DjangoFilterBackend, SearchFilter, Ordering)
    filterset_class = FileFilter
    search_fields = ("path", "name", "base")
    ordering_fields = ("path", "bytes", "quantization", "architecture")

    def lists(self, request: Request) -> bool:
        return True

    @extend_schema(
        operation_id="hosts_files",
        summary="List the model files of a host",
        tags=["hardware"],
        parameters=query_parameters.LIST_QUERY,
        responses=schemas.answers({200: shape(ModelFilePage)}, 400, 404),
    )
    def get(self, request: Request, host: str) -> Response:
        key = host_id(host)
        if not Host.objects.filter(pk=key).exists():
            raise NotFound("There is no such host.")
        rows: Any = self.filter_queryset(self.get_queryset().filter(host_id=key))
        return self.get_paginated_response([file_document(row) for row in self.paginate_queryset(rows) or []])
