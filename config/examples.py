"""A drf-spectacular post-processing hook that puts the examples of `examples.yaml` into the OpenAPI document."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

Example = dict[str, Any]


@cache
def examples() -> dict[str, dict[str, Example]]:
    """The examples by operation and name: path, query or body, the status, and often the answer."""
    loaded: dict[str, dict[str, Example]] = yaml.safe_load(Path(__file__).with_name("examples.yaml").read_text())
    return loaded


def attach(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    for path in result["paths"].values():
        for operation in path.values():
            for name, example in examples().get(operation["operationId"], {}).items():
                _attach(result, operation, name, example)
    return result


def _attach(result: dict[str, Any], operation: dict[str, Any], name: str, example: Example) -> None:
    if "body" in example:
        for media in operation["requestBody"]["content"].values():
            media.setdefault("examples", {})[name] = {"value": example["body"]}
    for parameter in operation.get("parameters", []):
        values = example.get(parameter["in"], {})
        if parameter["name"] in values and example["status"] < 400:
            parameter.setdefault("examples", {})[name] = {"value": values[parameter["name"]]}
    if "answer" in example:
        status = str(example["status"])
        response = operation["responses"][status]
        if "$ref" in response:
            # An example turns the shared response into this operation's own.
            shared = result["components"]["responses"][response["$ref"].rpartition("/")[2]]
            content = {kind: dict(media) for kind, media in shared["content"].items()}
            response = operation["responses"][status] = shared | {"content": content}
        for media in response["content"].values():
            media.setdefault("examples", {})[name] = {"value": example["answer"]}
