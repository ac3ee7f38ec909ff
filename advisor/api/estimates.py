"""REST endpoint: memory and speed of one build."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from advisor.answers.estimate import estimate
from advisor.api import schemas
from advisor.api.errors import AnswerView
from advisor.monitoring.answer_counts import counted
from advisor.question.parse import parse_estimate
from advisor.question.serializers import EstimateSerializer
from rest.strict import StrictQuery


class Estimates(StrictQuery, AnswerView):
    read_scope = write_scope = "recommend"

    @extend_schema(
        operation_id="estimates_post",
        request=EstimateSerializer,
        responses=schemas.answers({200: schemas.ESTIMATE}, 400, 422),
    )
    def post(self, request: Request) -> Response:
        """Memory and speed of one build with given settings on given hardware."""
        with counted("estimate") as count:
            return Response(count(estimate(parse_estimate(request.data))))
