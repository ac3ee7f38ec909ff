"""The question as every door asks it, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.fit.spec import Workload
from advisor.question import query_string
from advisor.question.errors import Invalid
from advisor.question.serializers import QUESTION, WORKLOAD, checked
from hardware.hosts import host_document
from hardware.stated import HardwareError, stated


def question_from_query(given: Mapping[str, str]) -> dict[str, Any]:
    """Flat query keys as the question that a JSON body would carry. Raises Invalid, 400, for a key nobody knows."""
    asked, errors = query_string.question_of_query(given)
    if errors:
        raise Invalid(errors)
    return asked


def validated(question: Any) -> dict[str, Any]:
    """The question with its defaults filled in. Raises Invalid, 400, naming each wrong field."""
    asked, errors = checked(QUESTION, question)
    if errors:
        raise Invalid(errors)
    return asked


def workload_of(asked: Mapping[str, Any]) -> Workload:
    return Workload(**{key: tuple(value) if isinstance(value, list) else value for key, value in asked.items()})


def resolve(hardware: Mapping[str, Any]) -> dict[str, Any]:
    """The host document of a stated or known machine. Raises Invalid, 422, with the fields to state or the choices."""
    try:
        if "host" in hardware:
            return host_document(hardware["host"])
        return stated(dict(hardware))
    except HardwareError as error:
        raise Invalid(error.errors, error.status) from error


def asked_workload(workload: Mapping[str, Any] | None) -> Workload:
    asked, errors = checked(WORKLOAD, workload or {})
    if errors:
        raise Invalid([{**error, "field": f"workload.{error['field']}"} for error in errors])
    return workload_of(asked)
