"""A small seed, three real models with everything they refer to, in a folder that a test may change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from catalog import importer, seed

SLUGS = ("smollm2-135m-instruct", "llama-3.1-70b-instruct", "llama-3.3-70b-instruct")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "data"
    for name in ("models", "builds"):
        (target / name).mkdir(parents=True)
    for name in ("licences.json", "benchmarks.json"):
        shutil.copy(seed.DATA / name, target / name)
    for slug in SLUGS:
        shutil.copy(seed.DATA / "models" / f"{slug}.json", target / "models")
    builds = {
        "slug": SLUGS[0],
        "builds": [
            {
                "key": f"{SLUGS[0]}:{name}",
                "format": "gguf",
                "quantization": name,
                "repo": None,
                "files": [],
                "bytes": size,
                "basis": "computed",
                "sizes": {"layers": []},
                "source": "test",
            }
            for name, size in (("Q4_K_M", 105_000_000), ("Q8_0", 145_000_000))
        ],
    }
    (target / "builds" / f"{SLUGS[0]}.json").write_bytes(orjson.dumps(builds))
    return target


@pytest.fixture
def edit(folder: Path) -> Callable[..., None]:
    """Change top-level values of one file in the folder."""

    def change(path: str, **values: Any) -> None:
        file = folder / path
        file.write_bytes(orjson.dumps(orjson.loads(file.read_bytes()) | values))

    return change


@pytest.fixture
def loaded(db: None, folder: Path) -> Path:
    importer.load(folder)
    return folder
