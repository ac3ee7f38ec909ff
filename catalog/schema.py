"""JSON Schemas of the seed, with their violations as sentences that name the field."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from rest import shapes

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

NULL = "A text in it holds a null character."
FOLDER = Path(__file__).parent / "data" / "schema"


@cache
def _validator(name: str, partial: bool = False) -> Validator:
    schema = _read(f"{name}.json")
    if partial:
        schema.pop("required", None)
    return shapes.validator(schema)


def _read(file: str) -> Any:
    """A schema with its references to other schema files inlined."""

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(item) for item in value]
        if not isinstance(value, dict):
            return value
        return _read(value["$ref"]) if "$ref" in value else {key: whole(item) for key, item in value.items()}

    return whole(orjson.loads((FOLDER / file).read_bytes()))


def _where(error: ValidationError) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path).lstrip(".")


def holds_null(value: Any) -> bool:
    """Whether a string anywhere in a JSON value contains a NUL character, which PostgreSQL cannot store."""
    if isinstance(value, dict):
        return any(holds_null(part) for pair in value.items() for part in pair)
    return "\0" in value if isinstance(value, str) else isinstance(value, list) and any(map(holds_null, value))


def sentences(name: str, value: Any, *, partial: bool = False, blank: bool = False) -> list[str]:
    """Every violation of `data/schema/<name>.json` in `value`.

    `partial` accepts missing keys, `blank` empty strings.
    """
    if holds_null(value):
        return [NULL]
    errors = [e for e in _validator(name, partial).iter_errors(value) if not (blank and e.validator == "minLength")]
    found = sorted(errors, key=lambda e: [str(step) for step in e.absolute_path])
    return [": ".join(part for part in (_where(error), f"{error.message}.") if part) for error in found]


def errors(name: str, values: dict[str, Any], *, partial: bool = False) -> dict[str, list[str]]:
    """As `sentences`, grouped by top-level key: the shape that Django's ValidationError takes."""
    found: dict[str, list[str]] = {key: [NULL] for key, value in values.items() if holds_null(value)}
    for error in _validator(name, partial).iter_errors(values):
        field = str(error.absolute_path[0]) if error.absolute_path else "__all__"
        found.setdefault(field, []).append(f"{_where(error)}: {error.message}.".lstrip(": "))
    return found
