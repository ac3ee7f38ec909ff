"""Whether a document has the shape that is said of it, no field more and no field less."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from rest.typed_shapes import shape


def untrue(typed: type, document: Any) -> list[str]:
    """Where the document, as it goes out, is not what its TypedDict says: a field too many is wrong too."""
    errors = Draft202012Validator(closed(shape(typed))).iter_errors(json.loads(json.dumps(document)))
    return [f"{deepest.json_path}: {deepest.message}" for deepest in map(told, errors)]


def closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return inner | {"additionalProperties": False} if "properties" in schema and "type" in schema else inner


def told(error: Any) -> Any:
    """Of what may be null, the error of what it is when it is not."""
    inner = [e for e in error.context or () if e.validator != "type" or e.validator_value != "null"]
    return told(inner[0]) if inner else error
