"""Which shape answers what, for OpenAPI. A shape with a title is a component of that name (see `rest.schema`)."""

from __future__ import annotations

from typing import Any

from advisor.answers.shapes import Decision, Estimate, Requirements
from advisor.answers.vllm_shapes import UnderVllm
from advisor.launch.shapes import Launch, LaunchPage
from rest.problems import CONTENT_TYPE
from rest.schema import PROBLEM
from rest.typed_shapes import shape

DECISION = shape(Decision)
ESTIMATE = shape(Estimate)
REQUIREMENTS = shape(Requirements)
UNDER_VLLM = shape(UnderVllm)
LAUNCH = shape(Launch)
LAUNCHES = shape(LaunchPage)


def answers(good: dict[int, dict[str, Any]], *problems: int) -> dict[Any, Any]:
    """Responses by status: the successful ones, and the problems specific to this operation (see `rest.schema`)."""
    return {(status, "application/json"): schema for status, schema in good.items()} | {
        (status, CONTENT_TYPE): PROBLEM for status in problems
    }
