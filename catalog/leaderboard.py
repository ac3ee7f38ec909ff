"""Turns a leaderboard's file into rows of evidence, by a table that maps its columns and model names.

`data/leaderboards.json`: column -> benchmark, version and metric; the leaderboard's name of a model -> slug. A name or
a column that is missing is reported and never guessed.
"""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from catalog import seed
from catalog.models import Benchmark, Model
from catalog.three_way import BENCHMARK, EVIDENCE, Rows
from rest.json_text import read_json

TABLE = seed.DATA / "leaderboards.json"
MAX_BYTES = 16 << 20
MAX_ROWS = 100_000
PLACE = re.compile(r"\{(\w+)\}")

Row = dict[str, Any]


class LeaderboardError(ValueError):
    """The file or the table cannot be used; the message is one sentence for the user."""


@dataclass
class Found:
    """Rows for `importer.merge`, and what was left out: names without a slug, and impossible figures."""

    rows: Rows
    unknown: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def boards(path: Path = TABLE) -> dict[str, Row]:
    return {board["name"]: board for board in seed.read_seed(path)}


def rows(path: Path) -> list[Row]:
    """The file's rows, by its extension: CSV with a header line, or a JSON or YAML list of objects.

    Raises LeaderboardError.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LeaderboardError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB.")
        text = path.read_text(encoding="utf-8-sig")
        found = _parse(path.suffix.lower(), text)
    except OSError as error:
        raise LeaderboardError(
            f"{path.name} cannot be read: {(error.strerror or 'unknown reason').lower()}."
        ) from error
    except (ValueError, RecursionError, csv.Error, yaml.YAMLError) as error:
        if isinstance(error, LeaderboardError):
            raise
        raise LeaderboardError(f"{path.name} is not what its name's ending says.") from error
    if not isinstance(found, list) or len(found) > MAX_ROWS or not all(isinstance(row, dict) for row in found):
        raise LeaderboardError(f"{path.name} is not a list of at most {MAX_ROWS} rows with named columns.")
    return found


def _parse(ending: str, text: str) -> Any:
    if ending == ".csv":
        return list(csv.DictReader(io.StringIO(text)))
    if ending == ".json":
        return read_json(text)
    if ending in (".yml", ".yaml"):
        return yaml.safe_load(text)
    raise LeaderboardError("A leaderboard file ends in .csv, .json, .yml or .yaml.")


def evidence(board: Row, table: list[Row], *, source: str, on: date | None) -> Found:
    """Evidence for every row whose model is in the table.

    `on` is the date of all rows where the file states none. Raises LeaderboardError when it is needed and missing, or
    when the table names a benchmark that the catalog does not have.
    """
    if board["date"] is None and on is None:
        raise LeaderboardError(f"{board['name']} states no date in its file: give it with --date.")
    known = set(Model.objects.values_list("slug", flat=True))
    kinds = {(b.name, b.metric, b.use_case): b for b in Benchmark.objects.all()}
    benchmarks: dict[tuple[str, ...], Row] = {}
    found = Found({BENCHMARK: [], EVIDENCE: []})
    for row in table:
        name = str(row.get(board["model"]))
        slug = board["models"].get(name)
        if slug not in known:
            found.unknown.append(name if slug is None else f"{name} ({slug} is not in this catalog)")
            continue
        day = str(row.get(board["date"]) if board["date"] else on)
        for figure, value in _figures(board, row, name, found):
            kind = kinds.get((figure["benchmark"], figure["metric"], figure["use_case"]))
            if kind is None:
                raise LeaderboardError(f"The catalog has no benchmark {figure['benchmark']} ({figure['metric']}).")
            evident = {
                "model__slug": slug,
                "benchmark__name": kind.name,
                "benchmark__version": _filled(figure["version"], {**row, "date": day}),
                "benchmark__metric": kind.metric,
                "benchmark__use_case": kind.use_case,
                "value": value,
                "date": _day(day, name),
                "variant": _filled(board["variant"], row),
                "third_party": board["third_party"],
                "source": source,
                "source_licence": board["source_licence"],
            }
            found.rows[EVIDENCE].append(evident)
            benchmarks[kind.name, evident["benchmark__version"], kind.metric, kind.use_case] = _benchmark(kind, evident)
    found.rows[BENCHMARK] = _new(benchmarks)
    return found


def _figures(board: Row, row: Row, name: str, found: Found) -> list[tuple[Row, float]]:
    """(figure, value) pairs of one row. A figure is the mean of its columns, or of other figures; it needs them all."""
    values: dict[str, float] = {}
    figures = []
    for figure in board["figures"]:
        try:
            if "mean_of" in figure:
                parts = [values[other] for other in figure["mean_of"]]
            else:
                parts = [_number(row[column]) for column in figure["columns"]]
        except KeyError as error:
            found.refused.append(f"{name}: {figure['benchmark']} needs {error.args[0]}, which is not there.")
            continue
        except ValueError as error:
            found.refused.append(f"{name}: {figure['benchmark']} is {error}, not a number.")
            continue
        value = sum(parts) / len(parts)
        low, high = figure["range"]
        if not low <= value <= high:
            found.refused.append(f"{name}: {figure['benchmark']} is {value:g}, not within {low} to {high}.")
            continue
        values[figure["benchmark"]] = value
        figures.append((figure, round(value, 4)))
    return figures


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(repr(value)[:40]) from None
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(repr(value)[:40])
    return number


def _filled(template: str, row: Row) -> str:
    """The template with each `{column}` replaced by the row's value."""
    return PLACE.sub(lambda found: str(row.get(found[1], "")), template)[:200]


def _day(text: str, name: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise LeaderboardError(f"The date of {name} is {text[:40]!r}, not a day such as 2026-01-08.") from None


def _benchmark(kind: Benchmark, evident: Row) -> Row:
    shared = {
        name: getattr(kind, name) for name in ("name", "metric", "use_case", "measures", "url", "higher_is_better")
    }
    return {**shared, "version": evident["benchmark__version"]}


def _new(benchmarks: dict[tuple[str, ...], Row]) -> list[Row]:
    """Benchmark versions that the catalog does not have yet; existing ones are left as they are."""
    known = set(Benchmark.objects.values_list("name", "version", "metric", "use_case"))
    return [row for key, row in benchmarks.items() if key not in known]
