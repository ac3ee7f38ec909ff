"""The OpenAPI schema class: scopes, problem responses, tags and named shapes that all operations share."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework.permissions import SAFE_METHODS

from rest.etag import ETagged
from rest.permissions import ANONYMOUS_SCOPES, scope_of
from rest.problems import CONTENT_TYPE, TITLES

TEXT = {"type": "string"}
ERROR = {
    "type": "object",
    "properties": {"field": TEXT | {"description": "Where, e.g. workload.context"}, "message": TEXT},
    "required": ["field", "message"],
    "additionalProperties": True,
}
PROBLEM = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457: one sentence in `detail`, and one for each field that is wrong.",
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "errors": {"type": "array", "items": ERROR},
        "request_id": TEXT | {"description": "As in X-Request-ID and in the log."},
    },
    "required": ["type", "title", "status", "detail", "errors"],
    "additionalProperties": True,
}
TAG = {"ETag": {"schema": TEXT, "description": "Names this very representation, for If-None-Match and If-Match."}}
WAIT = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}


def header(name: str, description: str) -> dict[str, Any]:
    return {"in": "header", "name": name, "schema": TEXT, "description": description}


IF_NONE_MATCH = header("If-None-Match", "The ETag that is known already: 304 when nothing has changed.")
IF_MATCH = header("If-Match", "The ETag that the change was made on: 412 when it is no longer the current one.")


class Schema(AutoSchema):
    """`tagged` on a view means that reading one object gives an ETag and honours If-None-Match."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        one = "{" in self.path
        if one and self.method == "GET" and getattr(self.view, "tagged", False):
            operation.setdefault("parameters", []).append(IF_NONE_MATCH)
            operation["responses"]["304"] = {"description": "Not modified", "headers": TAG}
            operation["responses"]["200"]["headers"] = TAG
        if self.writes_rows() and one:
            operation.setdefault("parameters", []).append(IF_MATCH)
        responses = operation["responses"] | {str(s): self.problem(s) for s in self.problems(operation, one)}
        operation["responses"] = dict(sorted(responses.items()))
        for status, answer in operation["responses"].items():
            if "$ref" not in answer:
                answer["description"] = answer["description"] or HTTPStatus(int(status)).phrase
        return self.with_references(operation)

    def writes_rows(self) -> bool:
        return isinstance(self.view, ETagged) and self.method not in SAFE_METHODS

    def problems(self, operation: dict[str, Any], one: bool) -> Iterator[int]:
        yield from (400, 401, 403, 406, 429, 503)
        yield from (int(status) for status, answer in operation["responses"].items() if int(status) >= 400)
        if one:
            yield 404
        if "requestBody" in operation:
            yield from (413, 415)
        if self.writes_rows() and one:
            yield 412
        if self.writes_rows() and self.method == "DELETE":
            yield 409

    def problem(self, status: int) -> dict[str, str]:
        """A reference to the response that all operations share for this status."""
        component = ResolvedComponent(f"Problem{status}", ResolvedComponent.RESPONSE, object="Problem")
        content = {CONTENT_TYPE: {"schema": self.named(PROBLEM)}}
        component.schema = {"description": TITLES[status], "content": content}
        component.schema |= {"headers": WAIT} if status in (429, 503) else {}
        self.registry.register_on_missing(component)
        return component.ref

    def get_auth(self) -> list[dict[str, list[str]]]:
        """OpenAPI 3.1 lets a bearer requirement list roles: here the one scope that the token must carry."""
        scope = scope_of(self.view, self.method)
        signed: list[dict[str, list[str]]] = [{"bearer": [scope]}, {"cookieAuth": []}]
        super().get_auth()  # registers the security schemes
        return [*signed, {}] if scope in ANONYMOUS_SCOPES else signed

    def named(self, shape: dict[str, Any]) -> dict[str, str]:
        """A reference to the component named by the shape's title; the component is added if it is missing."""
        component = ResolvedComponent(shape["title"], ResolvedComponent.SCHEMA, object=shape["title"])
        if component not in self.registry:
            self.registry.register(component)
            component.schema = {key: self.with_references(value) for key, value in shape.items() if key != "title"}
        return component.ref

    def with_references(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.with_references(item) for item in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("title"), str) and "properties" in value:
            return self.named(value)
        return {key: self.with_references(item) for key, item in value.items()}
