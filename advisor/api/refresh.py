"""`POST builds/{id}/refresh/`: what the hub has of a build now, shown first and written when asked."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from advisor.api import schemas
from advisor.intake import proposal, published
from advisor.intake.check import ImportRefused
from catalog.hub_http import HubError
from catalog.models import Build
from rest.fields import Truth
from rest.problems import Problem
from rest.strict import StrictQuery
from rest.typed_shapes import shape


class _Difference(TypedDict):
    field: str
    current: Any
    proposed: Any
    source: str
    action: Annotated[str, {"enum": list(proposal.ACTIONS)}]


class Refreshed(TypedDict):
    """How the hub's files differ from what the catalog says of a build. `keep`: edited here, and left so."""

    build: str
    applied: bool
    differences: list[_Difference]


class RefreshSerializer(serializers.Serializer[Any]):
    apply = Truth(default=False, help_text="write the differences; otherwise they are only shown")
    overwrite = Truth(default=False, help_text="also where the build was edited here")


class RefreshBuild(StrictQuery, APIView):
    read_scope, write_scope = "read", "catalog"

    @extend_schema(
        operation_id="builds_refresh",
        summary="Compare a build with its repository",
        tags=["catalog"],
        request=RefreshSerializer,
        responses=schemas.answers({200: shape(Refreshed)}, 400, 404, 409),
    )
    def post(self, request: Request, key: str) -> Response:
        body = RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        build = Build.objects.select_related("model").filter(key=key).first()
        if build is None:
            raise NotFound("There is no such build.")
        try:
            found = published.propose_refresh(build, timezone.now().date())
            overwrite = body.validated_data["overwrite"]
            shown = proposal.differences(found, overwrite=overwrite)
            if body.validated_data["apply"]:
                proposal.apply(found, overwrite=overwrite)
        except (HubError, ImportRefused) as error:
            raise Problem(409, str(error)) from error
        # A table of tensors is thousands of lines: that it changes is told, not how.
        differences = [
            {
                "field": one.field,
                "current": None if one.field == "sizes" else one.current,
                "proposed": None if one.field == "sizes" else one.proposed,
                "source": one.source,
                "action": one.action,
            }
            for one in shown
        ]
        return Response({"build": key, "applied": body.validated_data["apply"], "differences": differences})
