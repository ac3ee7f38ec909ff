"""Assertions on problem documents, the shape of every API error."""

from __future__ import annotations

from typing import Any

HERE = {"SERVER_NAME": "localhost"}


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert {"type", "title", "status", "detail", "errors", "request_id"} <= document.keys()
    assert document["request_id"] == answer["X-Request-ID"]
    return document
