"""REST: what can run, as a decision."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from advisor.answers import decisions
from advisor.answers.recommend import recommend
from advisor.api import schemas
from advisor.question.errors import Invalid
from advisor.question.parse import question_from_query
from advisor.question.serializers import QuestionSerializer
from rest.problems import Problem
from rest.strict import once

ANSWER = schemas.answers({200: schemas.DECISION}, 400, 422)


def answered(question: dict[str, Any]) -> dict[str, Any]:
    try:
        decision = recommend(question)
    except Invalid as error:
        raise Problem(error.status, str(error), error.errors) from error
    decisions.remember(decision["decision"], question)
    return decision


class Recommendations(APIView):
    read_scope = write_scope = "recommend"

    @extend_schema(operation_id="recommendations_get", parameters=schemas.QUESTION_QUERY, responses=ANSWER)
    def get(self, request: Request) -> Response:
        """What can run on the hardware named in the query, best first, and why the rest cannot."""
        once(request)
        try:
            question = question_from_query(request.query_params)
        except Invalid as error:
            raise Problem(error.status, str(error), error.errors) from error
        return Response(answered(question))

    @extend_schema(
        operation_id="recommendations_post",
        parameters=[schemas.EXPAND],
        request=QuestionSerializer,
        responses=ANSWER,
    )
    def post(self, request: Request) -> Response:
        """The same with the question as a body: pinned hardware in, a reproducible decision out."""
        once(request)
        for key in set(request.query_params) - {"expand"}:
            sentence = f"There is no query key '{key}' here: the question is the body; only expand may stand outside."
            raise Problem(400, sentence, [{"field": key, "message": sentence}])
        question, expand = request.data, request.query_params.get("expand")
        if expand and isinstance(question, dict):
            question = question | {"expand": expand}
        return Response(answered(question))
