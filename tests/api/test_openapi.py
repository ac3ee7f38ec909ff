"""The OpenAPI document: committed, without warnings, valid, and every example in it is sent and answered as it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from advisor.api import tokens
from config.examples import examples
from hardware.snapshots import refresh

pytestmark = pytest.mark.django_db
COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
CASES = [(operation, name) for operation, named in examples().items() for name in named]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(yaml.safe_load(COMMITTED.read_text()))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


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


@pytest.fixture
def client(seeded: None) -> Client:
    assert refresh().data
    token = tokens.create_token(name="all", scopes=list(tokens.SCOPES))
    return Client(headers={"authorization": f"Bearer {token}"})


def checked(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    whole = schema | {"components": document["components"]}  # so that its references lead somewhere
    errors = list(Draft202012Validator(whole).iter_errors(value))
    assert not errors, [f"{error.json_path}: {error.message}" for error in errors]


@pytest.mark.parametrize(("operation_id", "name"), CASES)
def test_an_example_is_answered_as_documented(
    client: Client, document: dict[str, Any], operation_id: str, name: str
) -> None:
    example = examples()[operation_id][name]
    path, method, operation = next(one for one in operations(document) if one[2]["operationId"] == operation_id)
    url = f"{path.format(**example.get('path', {}))}?{urlencode(example.get('query', {}))}"
    answer = client.generic(method.upper(), url, *body(example), content_type="application/json")
    assert answer.status_code == example["status"], answer.content
    response = operation["responses"][str(example["status"])]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    media = response["content"][answer["Content-Type"].partition(";")[0]]
    checked(document, media["schema"], answer.json())
    if "answer" in example:
        assert media["examples"][name]["value"] == example["answer"]
        checked(document, media["schema"], example["answer"])
        assert same_shape(example["answer"], answer.json())
        if example["status"] in (400, 404, 422):
            assert answer.json() == example["answer"] | {"request_id": answer["X-Request-ID"]}


def body(example: dict[str, Any]) -> tuple[bytes, ...]:
    return (json.dumps(example["body"]).encode(),) if "body" in example else ()


def same_shape(example: Any, answer: Any) -> bool:
    """Every key of the example is in the answer; of a list, the first item stands for all."""
    if isinstance(example, dict) and isinstance(answer, dict):
        return all(key in answer and same_shape(value, answer[key]) for key, value in example.items())
    if isinstance(example, list) and isinstance(answer, list):
        return not example or not answer or same_shape(example[0], answer[0])
    return True
