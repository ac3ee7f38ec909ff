"""TypedDicts as JSON Schema: every kind of field that a document has, and a plain word for one that has no schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict

import pytest
from jsonschema import Draft202012Validator

from rest.typed_shapes import shape


class Leaf(TypedDict):
    size: int


class _InPlace(TypedDict):
    word: str


class Base(TypedDict):
    z: str


class Everything(Base):
    text: str
    whole: int
    number: float
    truth: bool
    words: list[str]
    free: dict[str, Any]
    anything: Any
    counts: dict[str, int]
    leaves: dict[str, Leaf]
    choice: Literal["a", "b"]
    maybe: str | None
    either: int | str | None
    leaf: Leaf
    maybe_leaf: Leaf | None
    maybe_words: list[str] | None
    in_place: list[_InPlace]
    left_out: NotRequired[int | None]
    told: Annotated[str, {"description": "what it is", "pattern": "^x$"}]
    told_left_out: NotRequired[Annotated[str, {"format": "uuid"}]]
    maybe_choice: Literal["a"] | None


class Partly(TypedDict, total=False):
    a: str
    b: Required[int]


LEAF = {"title": "Leaf", "type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}
EXPECTED = {
    "z": {"type": "string"},
    "text": {"type": "string"},
    "whole": {"type": "integer"},
    "number": {"type": "number"},
    "truth": {"type": "boolean"},
    "words": {"type": "array", "items": {"type": "string"}},
    "free": {"type": "object", "additionalProperties": True},
    "anything": {},
    "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
    "leaves": {"type": "object", "additionalProperties": LEAF},
    "choice": {"type": "string", "enum": ["a", "b"]},
    "maybe": {"type": ["string", "null"]},
    "either": {"type": ["integer", "string", "null"]},
    "leaf": LEAF,
    "maybe_leaf": {"oneOf": [LEAF, {"type": "null"}]},
    "maybe_words": {"oneOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
    "in_place": {
        "type": "array",
        "items": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    },
    "left_out": {"type": ["integer", "null"]},
    "told": {"type": "string", "description": "what it is", "pattern": "^x$"},
    "told_left_out": {"type": "string", "format": "uuid"},
    "maybe_choice": {"oneOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_kind_of_field_has_its_schema(name: str) -> None:
    assert shape(Everything)["properties"][name] == EXPECTED[name]


def test_a_shape_has_its_name_its_fields_in_order_and_what_is_always_there_by_name() -> None:
    made = shape(Everything)
    assert made["title"] == "Everything"
    assert list(made["properties"]) == list(EXPECTED)
    assert made["required"] == sorted(EXPECTED.keys() - {"left_out", "told_left_out"})
    Draft202012Validator.check_schema(made)


def test_what_a_partial_shape_requires_is_what_it_marks() -> None:
    assert shape(Partly)["required"] == ["b"]


def test_each_shape_is_the_callers_own() -> None:
    shape(Everything)["properties"]["leaf"]["properties"].clear()
    assert shape(Everything)["properties"]["leaf"] == LEAF


@pytest.mark.parametrize("hint", [set[str], dict[int, str], bytes])
def test_a_type_that_json_has_not_is_refused(hint: Any) -> None:
    with pytest.raises(TypeError, match="has no JSON Schema"):
        shape(TypedDict("Wrong", {"it": hint}))  # type: ignore[operator]
