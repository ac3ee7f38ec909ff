"""Every example of the OpenAPI document is sent and answered as it says."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from advisor.api import tokens
from config.examples import examples
from hardware.snapshots import refresh
from tests.support.openapi import committed, operations

pytestmark = pytest.mark.django_db
CASES = [(operation, name) for operation, named in examples().items() for name in named]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return committed()


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
