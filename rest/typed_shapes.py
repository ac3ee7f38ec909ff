"""A TypedDict as JSON Schema: the shape that the type checker holds a function to is the one that is documented."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Any: {},
}


def shape(typed: type) -> dict[str, Any]:
    """The JSON Schema of a TypedDict, titled with its name; one whose name starts with an underscore has no title.

    `Annotated[T, {...}]` adds keywords to the schema of T: a description, a pattern, a format, an enum.
    """
    properties, required = {}, set(typed.__required_keys__)  # type: ignore[attr-defined]
    for name, hint in get_type_hints(typed, include_extras=True).items():
        mark = get_origin(hint)
        if mark in (Required, NotRequired):
            # Where annotations are postponed, the class did not see this mark.
            (required.add if mark is Required else required.discard)(name)
            hint = get_args(hint)[0]  # noqa: PLW2901
        properties[name] = schema_of(hint)
    title = {} if typed.__name__.startswith("_") else {"title": typed.__name__}
    return {**title, "type": "object", "properties": properties, "required": sorted(required)}


def schema_of(hint: Any) -> dict[str, Any]:
    """The JSON Schema of a field's type. Raises TypeError for one that has none."""
    if origin := get_origin(hint):
        return composed(hint, origin, get_args(hint))
    if is_typeddict(hint):
        return shape(hint)
    if hint in PLAIN:
        return dict(PLAIN[hint])
    raise TypeError(f"{hint!r} has no JSON Schema here.")


def composed(hint: Any, origin: Any, parts: tuple[Any, ...]) -> dict[str, Any]:
    if origin is Annotated:
        return {**schema_of(parts[0]), **parts[1]}
    if origin is Literal:
        return {**schema_of(type(parts[0])), "enum": list(parts)}
    if origin is list:
        return {"type": "array", "items": schema_of(parts[0])}
    if origin is dict and parts[0] is str:
        return {"type": "object", "additionalProperties": schema_of(parts[1]) or True}
    if origin in (Union, UnionType):
        return union(parts)
    raise TypeError(f"{hint!r} has no JSON Schema here.")


def union(members: tuple[Any, ...]) -> dict[str, Any]:
    """A list of types where all are plain, else `oneOf`; null comes last."""
    schemas = [schema_of(member) for member in members if member is not NoneType]
    schemas += [{"type": "null"}] if NoneType in members else []
    if all(schema.keys() == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"oneOf": schemas}
