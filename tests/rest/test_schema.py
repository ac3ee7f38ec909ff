"""The OpenAPI document: committed, without warnings, valid, and explicit about scopes and problems."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from advisor.api import tokens
from tests.support.openapi import COMMITTED, committed, operations

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return committed()


def test_the_committed_document_is_the_one_that_is_served() -> None:
    GENERATOR_STATS.reset()
    served = Client().get("/api/v1/schema/", headers={"accept": "application/yaml"}).content.decode()
    warnings = {str(key) for cache in (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache) for key in cache}
    assert not warnings, f"drf-spectacular complains: {warnings}"
    # Not `==`: its difference of five thousand lines would bury the sentence.
    assert bool(served == COMMITTED.read_text()), (
        "The API has changed: run `make openapi` and commit docs/openapi.yaml."
    )


def test_it_is_openapi_3_1_and_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate_schema(document)  # type: ignore[no-untyped-call]
    for shape in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(shape)
    assert "nullable" not in COMMITTED.read_text()


def test_every_operation_says_its_scope_and_its_problems(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        (scope,) = operation["security"][0]["bearer"]
        assert scope in tokens.SCOPES, path
        assert ({} in operation["security"]) == (scope in ("read", "recommend")), path
        expected = {"400", "401", "403", "406", "429"}
        expected |= {"404"} if "{" in path else set()
        expected |= {"415"} if "requestBody" in operation else set()
        assert expected <= set(operation["responses"]), (path, method)
        assert operation.get("summary") or operation.get("description"), (path, method)
