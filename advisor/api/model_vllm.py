"""REST endpoint: a model under vLLM."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from advisor.answers import vllm
from advisor.api import query_parameters, schemas
from advisor.api.errors import AnswerView
from advisor.question.parse import parse_query
from rest.strict import StrictQuery


class ModelUnderVllm(StrictQuery, AnswerView):
    read_scope = "recommend"
    query_keys = query_parameters.MACHINE_KEYS

    @extend_schema(
        operation_id="models_vllm",
        parameters=query_parameters.MACHINE_QUERY,
        responses=schemas.answers({200: schemas.UNDER_VLLM}, 400, 404, 422),
    )
    def get(self, request: Request, slug: str) -> Response:
        """What vLLM makes of a model's published weights on one to eight cards: cache, capacity, what pays."""
        found = vllm.model_under_vllm(slug, parse_query(request.query_params))
        if found is None:
            raise NotFound
        return Response(found)
