from __future__ import annotations

from typing import Any

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.fields import Field

from rest.fields import Finite, Text, Truth, UnknownText, Whole


@pytest.mark.parametrize(
    ("field", "value"),
    [(Text(), "x"), (Whole(), 3), (Whole(), -1), (Finite(), 0.5), (Finite(), 3), (Truth(), False), (Truth(), True)],
)
def test_a_value_of_its_own_type_is_taken(field: Field[Any, Any, Any, Any], value: Any) -> None:
    assert field.run_validation(value) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Text(), 3),
        (Text(), True),
        (Text(), ["x"]),
        (Whole(), "3"),
        (Whole(), True),
        (Whole(), 3.5),
        (Finite(), "0.5"),
        (Finite(), False),
        (Finite(), float("nan")),
        (Finite(), float("inf")),
        (Truth(), 1),
        (Truth(), "true"),
        (Truth(), None),
    ],
)
def test_a_value_of_another_type_is_not_read_as_if_it_were(field: Field[Any, Any, Any, Any], value: Any) -> None:
    with pytest.raises(ValidationError):
        field.run_validation(value)


def test_a_text_that_may_be_missing_is_null_outside_and_empty_within() -> None:
    field = UnknownText(allow_null=True, allow_blank=True)
    assert [field.run_validation(value) for value in (None, "", "x")] == ["", "", "x"]
    assert [field.to_representation(value) for value in ("", "x")] == [None, "x"]
