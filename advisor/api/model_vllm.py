"""REST: a model under vLLM."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from advisor.answers import vllm
from advisor.api import schemas
from advisor.question.errors import Invalid
from advisor.question.parse import question_from_query
from rest.problems import Problem
from rest.strict import StrictQuery


class ModelUnderVllm(StrictQuery, APIView):
    read_scope = "recommend"
    query_keys = schemas.MACHINE_KEYS

    @extend_schema(
        operation_id="models_vllm",
        parameters=schemas.MACHINE_QUERY,
        responses=schemas.answers({200: schemas.UNDER_VLLM}, 400, 404, 422),
    )
    def get(self, request: Request, slug: str) -> Response:
        """What vLLM makes of a model's published weights on one to eight cards: cache, capacity, what pays."""
        try:
            found = vllm.model_under_vllm(slug, question_from_query(request.query_params))
        except Invalid as error:
            raise Problem(error.status, str(error), error.errors) from error
        if found is None:
            raise NotFound
        return Response(found)
