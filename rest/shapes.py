"""JSON Schema validators that check dates and take only whole numbers written as such for integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.protocols import Validator


def validator(schema: dict[str, Any]) -> Validator:
    """A Draft 2020-12 validator for which 1e30 is no integer: no column and no sum could hold it."""
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415  3 MB that only a write needs
    from jsonschema.validators import extend  # noqa: PLC0415

    types = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    strict: Validator = extend(Draft202012Validator, type_checker=types)(schema, format_checker=FormatChecker())
    return strict
