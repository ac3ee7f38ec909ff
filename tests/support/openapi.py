"""The committed OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from tests.plugin.berth import ROOT

COMMITTED = ROOT / "docs" / "openapi.yaml"


def committed() -> dict[str, Any]:
    return dict(yaml.safe_load(COMMITTED.read_text()))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation
