"""REST: the questions. Each view is a few lines around `advisor.advice`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from advisor import advice, decisions, docs, reverse, under_vllm
from advisor.serializers import EstimateSerializer, QuestionSerializer
from rest.problems import Problem
from rest.strict import StrictQuery, once

ANSWER = docs.answers({200: docs.DECISION}, 400, 422)


def answered(question: dict[str, Any]) -> dict[str, Any]:
    try:
        decision = advice.recommend(question)
    except advice.Invalid as error:
        raise Problem(error.status, str(error), error.errors) from error
    decisions.remember(decision["decision"], question)
    return decision


class Recommendations(APIView):
    read_scope = write_scope = "recommend"

    @extend_schema(operation_id="recommendations_get", parameters=docs.QUESTION_QUERY, responses=ANSWER)
    def get(self, request: Request) -> Response:
        """What can run on the hardware named in the query, best first, and why the rest cannot."""
        once(request)
        try:
            question = advice.question_from_query(request.query_params)
        except advice.Invalid as error:
            raise Problem(error.status, str(error), error.errors) from error
        return Response(answered(question))

    @extend_schema(
        operation_id="recommendations_post",
        parameters=[docs.EXPAND],
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


class Requirements(StrictQuery, APIView):
    read_scope = write_scope = "recommend"

    @extend_schema(
        operation_id="requirements_post",
        request=reverse.RequirementsSerializer,
        responses=docs.answers({200: docs.REQUIREMENTS}),
    )
    def post(self, request: Request) -> Response:
        """The reverse: accelerators, one to eight of a kind, on which a model meets a workload; smallest first."""
        try:
            return Response(reverse.requirements(request.data))
        except advice.Invalid as error:
            raise Problem(error.status, str(error), error.errors) from error


class Estimates(StrictQuery, APIView):
    read_scope = write_scope = "recommend"

    @extend_schema(
        operation_id="estimates_post",
        request=EstimateSerializer,
        responses=docs.answers({200: docs.ESTIMATE}, 400, 422),
    )
    def post(self, request: Request) -> Response:
        """Memory and speed of one build with given settings on given hardware."""
        try:
            return Response(advice.estimate(request.data))
        except advice.Invalid as error:
            raise Problem(error.status, str(error), error.errors) from error


class UnderVllm(StrictQuery, APIView):
    read_scope = "recommend"
    query_keys = docs.MACHINE_KEYS

    @extend_schema(
        operation_id="models_vllm",
        parameters=docs.MACHINE_QUERY,
        responses=docs.answers({200: docs.UNDER_VLLM}, 400, 404, 422),
    )
    def get(self, request: Request, slug: str) -> Response:
        """What vLLM makes of a model's published weights on one to eight cards: cache, capacity, what pays."""
        try:
            found = under_vllm.answer(slug, advice.question_from_query(request.query_params))
        except advice.Invalid as error:
            raise Problem(error.status, str(error), error.errors) from error
        if found is None:
            raise NotFound
        return Response(found)
