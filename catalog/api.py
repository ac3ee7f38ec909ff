from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.filters import SearchFilter
from rest_framework.viewsets import ModelViewSet

from catalog import filters, serializers
from catalog.models import Benchmark, Build, Evidence, Licence, Model
from rest.etag import ETagged
from rest.pagination import CursorPages
from rest.strict import Ordering, StrictQuery


class CatalogViewSet(StrictQuery, ETagged, ModelViewSet):
    """Lists by cursor, ETag on detail, writes with the scope `catalog`. A list may have a lighter serializer."""

    read_scope, write_scope = "read", "catalog"
    pagination_class = CursorPages
    filter_backends = (DjangoFilterBackend, SearchFilter, Ordering)
    list_serializer_class: Any = None

    def get_serializer_class(self) -> Any:
        if self.action == "list" and self.list_serializer_class:
            return self.list_serializer_class
        return self.serializer_class


def documented(rows: str, row: str, body: Any = None) -> Any:
    """One summary an operation; `body` is the request where it differs from the answer."""
    request = {"request": body} if body else {}
    return extend_schema_view(
        list=extend_schema(summary=f"List {rows}", tags=["catalog"]),
        retrieve=extend_schema(summary=f"Read {row}", tags=["catalog"]),
        create=extend_schema(summary=f"Add {row}", tags=["catalog"], **request),
        update=extend_schema(summary=f"Replace {row}", tags=["catalog"], **request),
        partial_update=extend_schema(summary=f"Change {row}", tags=["catalog"], **request),
        destroy=extend_schema(summary=f"Delete {row}", tags=["catalog"]),
    )


@documented("models", "a model")
class Models(CatalogViewSet):
    serializer_class = serializers.ModelDetailSerializer
    list_serializer_class = serializers.ModelSerializer
    filterset_class = filters.ModelFilter
    search_fields = ("name", "hub_id", "organisation", "family")
    ordering_fields = ("slug", "name", "released", "parameters_total", "parameters_active", "context_length", "updated")
    lookup_field, lookup_value_regex = "slug", "[a-z0-9][a-z0-9._-]*"
    queryset = Model.objects.select_related("superseded_by").order_by("slug")

    def get_queryset(self) -> QuerySet[Model]:
        rows = super().get_queryset()
        return rows if self.action == "list" else with_builds_and_evidence(rows)


def with_builds_and_evidence(rows: QuerySet[Model]) -> QuerySet[Model]:
    figures = Evidence.objects.select_related("benchmark").order_by("benchmark__name", "benchmark__version", "id")
    return rows.prefetch_related(Prefetch("builds", Build.objects.defer("sizes")), Prefetch("evidence", figures))


@documented("builds", "a build")
class Builds(CatalogViewSet):
    serializer_class = serializers.BuildDetailSerializer
    list_serializer_class = serializers.BuildSerializer
    filterset_class = filters.BuildFilter
    search_fields = ("key", "repo")
    ordering_fields = ("key", "bytes", "updated")
    lookup_field, lookup_value_regex = "key", ".+"  # a repository has a slash
    queryset = Build.objects.select_related("model").order_by("key")

    def get_queryset(self) -> QuerySet[Build]:
        rows = super().get_queryset()
        return rows.defer("sizes") if self.action == "list" else rows


@documented("evidence", "a figure", serializers.EvidenceWriteSerializer)
class EvidenceRows(CatalogViewSet):
    serializer_class = serializers.EvidenceSerializer
    write_serializer_class = serializers.EvidenceWriteSerializer
    filterset_class = filters.EvidenceFilter
    search_fields = ("model__name", "benchmark__name", "source")
    ordering_fields = ("id", "value", "date")
    queryset = Evidence.objects.select_related("model", "benchmark").order_by("id")


@documented("benchmarks", "a benchmark")
class Benchmarks(CatalogViewSet):
    serializer_class = serializers.BenchmarkSerializer
    filterset_class = filters.BenchmarkFilter
    search_fields = ("name", "measures")
    ordering_fields = ("id", "name", "use_case")
    queryset = Benchmark.objects.order_by("name", "version", "metric")


@documented("licences", "a licence")
class Licences(CatalogViewSet):
    serializer_class = serializers.LicenceSerializer
    filterset_class = filters.LicenceFilter
    search_fields = ("id", "name")
    ordering_fields = ("id", "name")
    lookup_value_regex = "[a-z0-9][a-z0-9._-]*"
    queryset = Licence.objects.order_by("id")
