"""REST endpoint: the models that run on a machine, as a decision."""

from __future__ import annotations

from collections.abc import Callable

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from advisor.answers import decisions
from advisor.answers.recommend import recommend
from advisor.api import query_parameters, schemas
from advisor.api.errors import AnswerView
from advisor.monitoring.answer_counts import counted
from advisor.question.parse import Question, parse, parse_query
from advisor.question.serializers import QuestionSerializer
from rest.problems import Problem
from rest.strict import once

ANSWER = schemas.answers({200: schemas.DECISION}, 400, 422)


class Recommendations(AnswerView):
    read_scope = write_scope = "recommend"

    @extend_schema(operation_id="recommendations_get", parameters=query_parameters.QUESTION_QUERY, responses=ANSWER)
    def get(self, request: Request) -> Response:
        """What can run on the hardware named in the query, best first, and why the rest cannot."""
        once(request)
        return self.answered(lambda: parse_query(request.query_params))

    @extend_schema(
        operation_id="recommendations_post",
        parameters=[query_parameters.EXPAND],
        request=QuestionSerializer,
        responses=ANSWER,
    )
    def post(self, request: Request) -> Response:
        """The same with the question as a body: pinned hardware in, a reproducible decision out."""
        once(request)
        for key in set(request.query_params) - {"expand"}:
            sentence = f"There is no query key '{key}' here: the question is the body; only expand may stand outside."
            raise Problem(400, sentence, [{"field": key, "message": sentence}])
        body, expand = request.data, request.query_params.get("expand")
        if expand and isinstance(body, dict):
            body = body | {"expand": expand}
        return self.answered(lambda: parse(body))

    def answered(self, ask: Callable[[], Question]) -> Response:
        with counted("recommendation") as count:
            question = ask()
            answer = count(recommend(question))
        decisions.remember(answer.decision, question.asked)
        return Response(answer.body)
