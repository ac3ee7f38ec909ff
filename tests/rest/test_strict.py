"""What a client did not mean to say, on views of the test's own."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from rest.strict import Ordering, StrictFields, StrictQuery

WEB = APIRequestFactory()


class One(StrictQuery, APIView):
    authentication_classes = permission_classes = throttle_classes = ()
    query_keys = ("expand",)

    def get(self, request: Request) -> Response:
        return Response({"asked": request.query_params})


class Several(One):
    action = "list"
    filterset_class = SimpleNamespace(base_filters={"model": None})


class Body(StrictFields, serializers.Serializer[Any]):
    name = serializers.CharField()
    made = serializers.DateField(read_only=True)


@pytest.mark.parametrize(
    ("view", "query"),
    [
        (One, "expand=plans"),
        (One, ""),
        (Several, "model=a&expand=plans"),
        (Several, "limit=1&cursor=x&search=y&ordering=z"),
    ],
)
def test_a_key_that_is_known_passes(view: type[One], query: str) -> None:
    assert view.as_view()(WEB.get(f"/?{query}")).status_code == 200


@pytest.mark.parametrize(
    ("view", "query", "fields"),
    [
        (One, "limit=1", ["limit"]),
        (One, "b=1&a=2", ["a", "b"]),
        (Several, "modle=a", ["modle"]),
        (One, "expand=plans&expand=plans", ["expand"]),
    ],
)
def test_a_key_that_is_unknown_or_comes_twice_is_400_and_named(view: type[One], query: str, fields: list[str]) -> None:
    answer: Any = view.as_view()(WEB.get(f"/?{query}"))
    assert answer.status_code == 400
    assert [error["field"] for error in json.loads(answer.content)["errors"]] == fields


def test_a_method_that_is_not_there_is_405_whatever_is_asked() -> None:
    assert One.as_view()(WEB.post("/?limit=1")).status_code == 405


@pytest.mark.parametrize("name", ["colour", "made", "errors"])
def test_a_field_that_does_not_exist_is_refused_by_name(name: str) -> None:
    body = Body(data={"name": "x", name: "y"})
    if name == "made":  # it is there to be read
        assert body.is_valid()
        assert body.validated_data == {"name": "x"}
        return
    assert not body.is_valid()
    assert body.errors[name] == [f"There is no field '{name}'."]


def test_an_ordering_that_is_not_offered_is_refused_with_those_that_are() -> None:
    view = SimpleNamespace(ordering_fields=("name", "released"))
    request = Request(WEB.get("/"))
    assert Ordering().remove_invalid_fields(None, ["-name", "released"], view, request) == ["-name", "released"]
    with pytest.raises(ValidationError, match="one of name, released, not '-beauty'"):
        Ordering().remove_invalid_fields(None, ["-beauty"], view, request)
