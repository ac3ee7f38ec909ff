"""REST endpoints of launches, thin wrappers around `advisor.launch.queue`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.filters import SearchFilter
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from advisor.answers.launch_request import request_launch
from advisor.api import query_parameters, schemas
from advisor.api.errors import AnswerView
from advisor.api.filters import LaunchFilter
from advisor.api.launch_serializers import LaunchRequestSerializer
from advisor.engines.base import MANIFESTS
from advisor.launch.document import launch_document
from advisor.launch.engine_process import adapter_of, log_tail
from advisor.launch.queue import Once, get_launch
from advisor.launch.transitions import stop_launch
from advisor.models import Launch
from rest.etag import answer
from rest.pagination import CursorPages
from rest.problems import Problem
from rest.renderers import Whatever
from rest.strict import Ordering, StrictQuery

KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="the same request with the same key answers with the same launch, until a day after its end",
)

MOST_KEY = Launch._meta.get_field("idempotency_key").max_length or 0


class Launches(StrictQuery, AnswerView, GenericAPIView[Launch]):
    read_scope, write_scope = "read", "launch"
    queryset = Launch.objects.prefetch_related("events")
    serializer_class = LaunchRequestSerializer
    pagination_class = CursorPages
    filter_backends = (DjangoFilterBackend, SearchFilter, Ordering)
    filterset_class = LaunchFilter
    search_fields = ("model", "build", "message")
    ordering_fields = ("created", "updated", "model", "status")

    def lists(self, request: Request) -> bool:
        return request.method == "GET"

    @extend_schema(
        operation_id="launches_list",
        parameters=query_parameters.LIST_QUERY,
        responses=schemas.answers({200: schemas.LAUNCHES}, 400),
    )
    def get(self, request: Request) -> Response:
        """Launches, newest first."""
        found = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([launch_document(launch) for launch in found])

    @extend_schema(
        operation_id="launches_create",
        parameters=[KEY],
        request=LaunchRequestSerializer,
        responses=schemas.answers({201: schemas.LAUNCH, 200: schemas.LAUNCH}, 400, 409, 422),
    )
    def post(self, request: Request) -> Response:
        """Plan again on a fresh snapshot, reserve, and queue. 409 with the verdict when it does not fit."""
        body = LaunchRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        launch, created = request_launch(
            **body.validated_data, once=once(request, body.validated_data), owner=str(request.user)
        )
        return Response(launch_document(launch), 201 if created else 200)


def once(request: Request, body: Mapping[str, Any]) -> Once | None:
    """`body` as validated: with the question behind a decision, whose digest changes with every reading."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= MOST_KEY:
        sentence = f"Idempotency-Key must have 1 to {MOST_KEY} characters."
        raise Problem(400, sentence, [{"field": "Idempotency-Key", "message": sentence}])
    asked = json.dumps(body, sort_keys=True, default=str)
    return Once(key, str(request.user), hashlib.sha256(asked.encode()).hexdigest())


def launch_or_404(launch_id: UUID) -> Launch:
    try:
        return get_launch(launch_id)
    except Launch.DoesNotExist as error:
        raise NotFound("There is no such launch.") from error


class OneLaunch(StrictQuery, APIView):
    read_scope, write_scope = "read", "launch"
    tagged = True

    @extend_schema(operation_id="launches_read", responses=schemas.answers({200: schemas.LAUNCH}, 404))
    def get(self, request: Request, launch_id: UUID) -> Response:
        """State, endpoint, and prediction beside measurement."""
        return answer(request, launch_document(launch_or_404(launch_id)))

    @extend_schema(
        operation_id="launches_stop", responses=schemas.answers({202: schemas.LAUNCH, 200: schemas.LAUNCH}, 404)
    )
    def delete(self, request: Request, launch_id: UUID) -> Response:
        """Ask for the stop. Asking again, or after the end, changes nothing."""
        launch_or_404(launch_id)
        launch = stop_launch(launch_id)
        return Response(launch_document(launch), 200 if launch.status in Launch.FINAL else 202)


class LaunchLog(StrictQuery, APIView):
    read_scope = "read"
    content_negotiation_class = Whatever

    @extend_schema(
        operation_id="launches_log", responses={(200, "text/plain"): OpenApiTypes.STR} | schemas.answers({}, 404)
    )
    def get(self, request: Request, launch_id: UUID) -> HttpResponse:
        """The end of the engine's log."""
        launch_or_404(launch_id)
        return HttpResponse(log_tail(launch_id), content_type="text/plain; charset=utf-8")


class LaunchManifest(StrictQuery, APIView):
    query_keys = ("kind",)
    read_scope = "read"
    content_negotiation_class = Whatever

    @extend_schema(
        operation_id="launches_manifest",
        parameters=[OpenApiParameter("kind", str, enum=list(MANIFESTS), default="argv")],
        responses={(200, "text/plain"): OpenApiTypes.STR} | schemas.answers({}, 400, 404),
    )
    def get(self, request: Request, launch_id: UUID) -> HttpResponse:
        """The same launch as a command line, compose file, systemd unit or Kubernetes manifest."""
        kind = request.query_params.get("kind", "argv")
        if kind not in MANIFESTS:
            sentence = f"kind must be one of {', '.join(MANIFESTS)}."
            raise Problem(400, sentence, [{"field": "kind", "message": sentence}])
        launch = launch_or_404(launch_id)
        adapter = adapter_of(launch)
        if adapter is None:
            raise Problem(409, f"The engine {launch.engine} of this launch is no longer known here.")
        return HttpResponse(adapter.MANIFESTS[kind](launch_document(launch)), content_type="text/plain; charset=utf-8")
