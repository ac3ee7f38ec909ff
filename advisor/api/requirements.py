"""REST endpoint: the hardware that a model needs."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from advisor.answers.requirements import hardware_for_model
from advisor.api import schemas
from advisor.api.errors import AnswerView
from advisor.monitoring.answer_counts import counted
from advisor.question.parse import parse_requirements
from advisor.question.serializers import RequirementsSerializer
from rest.strict import StrictQuery


class Requirements(StrictQuery, AnswerView):
    read_scope = write_scope = "recommend"

    @extend_schema(
        operation_id="requirements_post",
        request=RequirementsSerializer,
        responses=schemas.answers({200: schemas.REQUIREMENTS}),
    )
    def post(self, request: Request) -> Response:
        """The reverse: accelerators, one to eight of a kind, on which a model meets a workload; smallest first."""
        with counted("requirement") as count:
            answer = count(hardware_for_model(parse_requirements(request.data)))
        return Response(answer.body)
