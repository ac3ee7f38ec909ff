from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from hardware import reference, serializers
from hardware.hosts import inventory
from hardware.models import Host
from hardware.snapshots import record, snapshot_of, stamp
from rest.etag import answer, etag
from rest.pagination import CursorPages
from rest.strict import Ordering, StrictQuery


class Hosts(StrictQuery, ReadOnlyModelViewSet[Host]):
    """Machines, what they have and how old that knowledge is."""

    read_scope, write_scope = "read", "agent"
    tagged = True
    queryset: QuerySet[Host] = Host.objects.order_by("id")
    serializer_class = serializers.HostSerializer
    pagination_class = CursorPages
    filter_backends = (DjangoFilterBackend, SearchFilter, Ordering)
    search_fields = ("id", "name")
    ordering_fields = ("id", "name", "created")
    lookup_value_regex = "[A-Za-z0-9][A-Za-z0-9._-]*"

    @extend_schema(summary="List hosts", tags=["hardware"])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(summary="Read a host", tags=["hardware"], responses=serializers.HostDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        host = self.get_object()
        known = inventory(host)
        data: dict[str, Any] = {"id": host.pk, "name": host.name, "created": stamp(host.created), **known}
        del data["host"]
        # The age grows by itself; only a new reading or reservation changes the representation.
        tag = etag({**data, "snapshot": (data["snapshot"] or {}) | {"age_seconds": None}})
        return answer(request, data, tag)

    @extend_schema(
        summary="Send a snapshot of one's own host",
        tags=["hardware"],
        request={"application/json": serializers.reading()},
        responses={201: serializers.SnapshotSerializer},
    )
    @action(detail=True, methods=["post"])
    def snapshots(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        host = self.get_object()
        if request.auth is not None and getattr(request.auth, "host_id", None) != host.pk:
            raise PermissionDenied("This token may send snapshots of its own host only.")
        body = serializers.ProbeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        record(host, timezone.now(), body.validated_data)
        return Response(snapshot_of(host), 201)


class References(StrictQuery, GenericViewSet[Any]):
    """The reference specs that names are matched against. They come with Berth, so there is no writing them."""

    read_scope = "read"
    serializer_class = serializers.ReferenceSerializer
    # documents limit, cursor and the envelope; the cursor is a row's position in the files
    pagination_class = CursorPages
    query_keys = ("vendor",)
    filter_backends = ()
    ordering_fields = ("name", "memory_bytes", "memory_bandwidth")

    @extend_schema(
        summary="List reference accelerators",
        tags=["hardware"],
        responses=serializers.ReferenceSerializer(many=True),
        parameters=[
            OpenApiParameter("search", str, description="Words of the name, an NVML name or an alias."),
            OpenApiParameter("vendor", str, enum=sorted(reference.MAKERS)),
            OpenApiParameter("ordering", str, description="name, memory_bytes or memory_bandwidth; - for descending."),
        ],
    )
    def list(self, request: Request) -> Response:
        query = request.query_params
        vendor, limit, start = query.get("vendor"), whole(query, "limit", 100, 500), whole(query, "cursor", 0, 10**6)
        if vendor and vendor not in reference.MAKERS:
            raise ValidationError({"vendor": [f"vendor must be one of {', '.join(sorted(reference.MAKERS))}."]})
        found = [s for s in reference.search(query.get("search", "")) if vendor in (None, "", s.vendor)]
        order = query.get("ordering", "")
        if order:
            if order.removeprefix("-") not in self.ordering_fields:
                raise ValidationError({"ordering": [f"ordering must be one of {', '.join(self.ordering_fields)}."]})
            found.sort(key=lambda s: getattr(s, order.removeprefix("-")), reverse=order.startswith("-"))
        page = [asdict(s) for s in found[start : start + limit]]
        return Response(
            {
                "next": link(request, start + limit) if start + limit < len(found) else None,
                "previous": link(request, max(start - limit, 0)) if start else None,
                "results": page,
            }
        )


def whole(query: Any, key: str, default: int, most: int) -> int:
    text = query.get(key, str(default))
    least = 0 if key == "cursor" else 1
    if not text.isascii() or not text.isdigit() or not least <= int(text[:9]) <= most:
        raise ValidationError({key: [f"{key} must be a whole number from {least} to {most}."]})
    return int(text)


def link(request: Request, start: int) -> str:
    query = request.query_params.copy()
    query["cursor"] = str(start)
    return request.build_absolute_uri(f"?{query.urlencode()}")
