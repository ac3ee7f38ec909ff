"""Reads the data folder `catalog/data` into rows, in the shape that the importer compares with the database.

licences.json  benchmarks.json  models/<slug>.json  builds/<slug>.json
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

DATA = Path(__file__).parent / "data"
FORMAT = b"1"  # bump it when this module reads the same files into different rows, so that the digest changes
PARTS = ("licences.json", "benchmarks.json", "models/*.json", "builds/*.json")

Row = dict[str, Any]


class SeedError(ValueError):
    """The data folder cannot be read as a catalog; the message names the file."""


def files(folder: Path = DATA) -> Iterator[Path]:
    for part in PARTS:
        yield from sorted(folder.glob(part))


def digest(folder: Path = DATA) -> str:
    """sha256 over the names and contents of all seed files."""
    total = hashlib.sha256(FORMAT)
    for path in files(folder):
        content = path.read_bytes()
        total.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def read_seed(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise SeedError(f"{path.name} cannot be read: {error}.") from error


def licences(folder: Path = DATA) -> Iterator[Row]:
    yield from read_seed(folder / "licences.json")


def benchmarks(folder: Path = DATA) -> Iterator[Row]:
    """One row per version: an entry of the file lists the versions of one name and metric."""
    for entry in read_seed(folder / "benchmarks.json"):
        shared = {name: value for name, value in entry.items() if name != "versions"}
        yield from (shared | {"version": version} for version in entry["versions"])


def models(folder: Path = DATA) -> Iterator[Row]:
    """Models with their evidence under "evidence"."""
    for path in sorted((folder / "models").glob("*.json")):
        yield read_seed(path)


def builds(folder: Path = DATA) -> Iterator[Row]:
    for path in sorted((folder / "builds").glob("*.json")):
        entry = read_seed(path)
        for build in entry["builds"]:
            yield build | {"model__slug": entry["slug"], "repo": build["repo"] or ""}


def seed_evidence(models: list[Row]) -> Iterator[Row]:
    for model in models:
        for row in model["evidence"]:
            yield {
                "model__slug": model["slug"],
                "benchmark__name": row["benchmark"],
                "benchmark__version": row["version"],
                "benchmark__metric": row["metric"],
                "benchmark__use_case": row["use_case"],
                "value": float(row["value"]),
                **{name: row[name] for name in ("date", "variant", "third_party", "source", "source_licence")},
            }
