"""REST: the hardware that a model needs."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from advisor.answers.requirements import hardware_for_model
from advisor.api import schemas
from advisor.question.errors import Invalid
from advisor.question.serializers import RequirementsSerializer
from rest.problems import Problem
from rest.strict import StrictQuery


class Requirements(StrictQuery, APIView):
    read_scope = write_scope = "recommend"

    @extend_schema(
        operation_id="requirements_post",
        request=RequirementsSerializer,
        responses=schemas.answers({200: schemas.REQUIREMENTS}),
    )
    def post(self, request: Request) -> Response:
        """The reverse: accelerators, one to eight of a kind, on which a model meets a workload; smallest first."""
        try:
            return Response(hardware_for_model(request.data))
        except Invalid as error:
            raise Problem(error.status, str(error), error.errors) from error
