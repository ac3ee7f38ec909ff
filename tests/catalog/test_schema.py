from __future__ import annotations

from typing import Any

import pytest

from catalog import schema, seed

MODEL = seed.read_seed(seed.DATA / "models" / "phi-4.json")


def test_a_value_that_follows_its_schema_has_nothing_wrong() -> None:
    assert schema.sentences("model", MODEL) == []
    assert schema.errors("model", MODEL) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"slug": 3}, "slug: 3 is not of type 'string'."),
        ({"provenance": {"sources": [""], "confidence": "x"}}, "provenance.sources[0]: '' should be non-empty."),
        ({"colour": "red"}, "Additional properties are not allowed ('colour' was unexpected)."),
        ({"name": "a\0b"}, schema.NULL),
        ({"flags": [{"deep": ["\0"]}]}, schema.NULL),
        ({"provenance": MODEL["provenance"] | {"a\0": "x"}}, schema.NULL),
    ],
)
def test_what_is_wrong_is_a_sentence_that_names_the_place(change: dict[str, Any], said: str) -> None:
    assert said in schema.sentences("model", MODEL | change)


def test_errors_are_told_by_the_first_key_of_their_place() -> None:
    found = schema.errors("model", {**MODEL, "provenance": {"sources": [""], "confidence": ""}, "name": "\0"})
    assert set(found) == {"provenance", "name"}
    assert len(found["provenance"]) == 2
    assert found["name"] == [schema.NULL]


def test_what_is_missing_may_be_missing_in_a_part_and_empty_texts_where_they_may_be_empty() -> None:
    without = {key: value for key, value in MODEL.items() if key != "slug"}
    assert "'slug' is a required property." in schema.sentences("model", without)
    assert schema.sentences("model", without, partial=True) == []
    blank = MODEL | {"provenance": MODEL["provenance"] | {"confidence": ""}}
    assert schema.sentences("model", blank)
    assert schema.sentences("model", blank, blank=True) == []
