"""REST: memory and speed of one build."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from advisor.answers.estimate import estimate
from advisor.api import schemas
from advisor.question.errors import Invalid
from advisor.question.serializers import EstimateSerializer
from rest.problems import Problem
from rest.strict import StrictQuery


class Estimates(StrictQuery, APIView):
    read_scope = write_scope = "recommend"

    @extend_schema(
        operation_id="estimates_post",
        request=EstimateSerializer,
        responses=schemas.answers({200: schemas.ESTIMATE}, 400, 422),
    )
    def post(self, request: Request) -> Response:
        """Memory and speed of one build with given settings on given hardware."""
        try:
            return Response(estimate(request.data))
        except Invalid as error:
            raise Problem(error.status, str(error), error.errors) from error
