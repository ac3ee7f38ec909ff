"""A folder of models, and a way to put one there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def put(path: Path, content: bytes = b"GGUF1234") -> dict[str, object]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"path": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
