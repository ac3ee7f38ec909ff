"""Refusals as problem documents, shared by all endpoints that answer a question."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response
from rest_framework.views import APIView

from advisor.answers.documents import rejection_document
from advisor.answers.wording import does_not_fit
from advisor.launch.refused import LaunchRefused
from advisor.question.errors import DoesNotFit, Invalid
from rest.problems import Problem


class AnswerView(APIView):
    """Views raise what the answers raise."""

    def handle_exception(self, error: Exception) -> Response:
        return super().handle_exception(problem_of(error))


def problem_of(error: Exception) -> Exception:
    if isinstance(error, Invalid):
        return Problem(error.status, str(error), error.errors)
    if isinstance(error, DoesNotFit):
        verdict = rejection_document(error.rejection)
        return Problem(409, does_not_fit(verdict), extra={"verdict": verdict})
    if isinstance(error, LaunchRefused):
        extra: dict[str, Any] = {"verdict": rejection_document(error.rejection)} if error.rejection else {}
        return Problem(409, str(error), extra=extra)
    return error
