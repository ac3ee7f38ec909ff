"""Evaluates strengths on held-out benchmarks: `python bench/quality.py`. Prints tables, asserts nothing.

`--write` stores the tables in advisor/data/rank_correlation.json, which the about page shows.

Leaves out each benchmark in turn (all its versions), fits the rest, and predicts the order of the models on it. Reports
Spearman's rank correlation per use case, weighted by models, beside size alone and newest first. The harder test leaves
out everything by the benchmark's publisher, so that other slices of one leaderboard cannot help.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from advisor.fit.quality.strength import (
    ABILITIES,
    ModelFacts,
    canonical,
    strengths,
    tables,
)
from advisor.fit.spec import Evidence

LEAST_MODELS = 6
PREDICTORS = ("strength", "size_only", "newest_first")
TARGET = ROOT / "advisor/data/rank_correlation.json"
# Files under advisor/fit that the tables depend on, beside the catalog's models and evidence.
METHOD = ("data/quality.json", *(f"quality/{name}.py" for name in ("factor_model", "family_prior", "strength")))
Rows = list[tuple[str, Evidence]]
Found = dict[str, dict[str, list[tuple[float, int]]]]


def catalog() -> tuple[list[ModelFacts], Rows]:
    """Models and their evidence from the seed."""
    models, rows = [], []
    for path in sorted((ROOT / "catalog/data/models").glob("*.json")):
        entry = json.loads(path.read_text())
        facts = {k: entry[k] for k in ModelFacts.__dataclass_fields__ if k in entry}
        models.append(ModelFacts(**{**facts, "input_modalities": tuple(entry["input_modalities"])}))
        for row in entry["evidence"]:
            known = {k: row[k] for k in Evidence.__dataclass_fields__ if k in row}
            rows.append((entry["slug"], Evidence(**known)))
    return models, rows


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks; ties share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: np.ndarray = (last - (counts - 1) / 2)[inverse]
    return shared


def correlation(a: list[float], b: list[float]) -> float:
    x, y = ranks(np.array(a)), ranks(np.array(b))
    return float(np.corrcoef(x, y)[0, 1]) if x.std() and y.std() else 0.0


def digest(models: list[ModelFacts], rows: Rows) -> str:
    """Digest of models, evidence and method; when it changes, the tables have to be rewritten."""
    text = "\n".join([*map(repr, models), *sorted(map(repr, rows))]).encode()
    parts = [text, *((ROOT / "advisor/fit" / name).read_bytes() for name in METHOD)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def held_out(models: list[ModelFacts], rows: Rows, group: Callable[[str], str]) -> Found:
    """Use case -> predictor -> (correlation, models) per left-out benchmark version."""
    facts = {m.slug: m for m in models}
    inverted, names = set(tables()["lower_is_better"]), tables()["use_case_names"]
    found: dict[str, dict[str, list[tuple[float, int]]]] = defaultdict(lambda: defaultdict(list))
    for out in sorted({group(canonical(e.benchmark)) for _, e in rows}):
        cells: dict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
        for slug, e in rows:
            name = canonical(e.benchmark)
            use_case = names.get(e.use_case, e.use_case)
            if group(name) == out and use_case in (*ABILITIES, "embedding") and tables()["weights"].get(name, 1.0):
                value = -e.value if name in inverted else e.value
                cell = cells[name, e.version if e.third_party else "*", use_case]
                cell[slug] = max(value, cell.get(slug, -np.inf))
        cells = {k: v for k, v in cells.items() if len(v) >= LEAST_MODELS}
        if not cells:
            continue
        predicted = strengths(models, [(s, e) for s, e in rows if group(canonical(e.benchmark)) != out])
        for (_, _, use_case), scores in cells.items():
            known = [s for s in scores if (p := predicted[s].get(use_case)) and p.basis != "none" and facts[s].released]
            known = [s for s in known if facts[s].parameters_total]
            if len(known) < LEAST_MODELS:
                continue
            true = [scores[s] for s in known]
            predictors = {
                "strength": [predicted[s][use_case].score for s in known],
                "size_only": [float(facts[s].parameters_total or 0) for s in known],
                "newest_first": [float(np.datetime64(facts[s].released).astype(int)) for s in known],
            }
            for name, values in predictors.items():
                found[use_case][name].append((correlation(values, true), len(known)))
    return found


def summed(found: Found) -> list[dict[str, Any]]:
    """One row per use case: benchmarks, models, and each predictor's mean correlation, weighted by models."""
    rows = []
    for use_case, by in sorted(found.items()):
        weights = [n for _, n in by["strength"]]
        means = {name: round(float(np.average([c for c, _ in by[name]], weights=weights)), 2) for name in PREDICTORS}
        rows.append({"use_case": use_case, "benchmarks": len(weights), "models": sum(weights)} | means)
    return rows


def table(rows: list[dict[str, Any]]) -> None:
    print(f"{'':14s}{'benchmarks':>11s}{'models':>8s}{'strength':>10s}{'size only':>11s}{'newest first':>14s}")
    for row in rows:
        line = f"{row['use_case']:14s}{row['benchmarks']:11d}{row['models']:8d}"
        print(line + "".join(f"{row[name]:{width}.2f}" for name, width in zip(PREDICTORS, (10, 11, 14), strict=True)))


def write(tests: dict[str, list[dict[str, Any]]], of: str) -> None:
    lines = {name: ",\n".join(f"  {json.dumps(row)}" for row in rows) for name, rows in tests.items()}
    parts = [f'"{name}": [\n{text}\n]' for name, text in lines.items()]
    about = "Spearman's rank correlation with benchmarks that were left out, by bench/quality.py --write."
    head = [
        f'"{key}": {json.dumps(value)}'
        for key, value in (("about", about), ("date", datetime.now(UTC).date().isoformat()), ("digest", of))
    ]
    TARGET.write_text("{\n" + ",\n".join(head + parts) + "\n}\n", encoding="utf-8")


def leaders(models: list[ModelFacts], rows: Rows, count: int) -> None:
    """Prints the first `count` models per use case, for review by a person."""
    answer = strengths(models, rows)
    names = {m.slug: m.name for m in models}
    for use_case in ("general", *ABILITIES, "embedding"):
        ordered = sorted(
            ((s[use_case], slug) for slug, s in answer.items() if use_case in s), key=lambda p: (-p[0].score, p[1])
        )
        print(f"\n{use_case}")
        for strength, slug in ordered[:count]:
            span = f"{strength.score:5.1f} [{strength.low:5.1f} {strength.high:5.1f}]"
            print(f"  {span} {strength.basis:9s} {len(strength.evidence):3d} scores  {names[slug]}")


def main() -> None:
    models, rows = catalog()
    tests = {
        "benchmark": summed(held_out(models, rows, lambda name: name)),
        "publisher": summed(held_out(models, rows, lambda name: name.split()[0])),
    }
    print("Each benchmark left out in turn")
    table(tests["benchmark"])
    print("\nEverything of its publisher left out")
    table(tests["publisher"])
    if sys.argv[1:] == ["--write"]:
        write(tests, digest(models, rows))
    else:
        leaders(models, rows, int(sys.argv[1]) if len(sys.argv) > 1 else 15)


if __name__ == "__main__":
    main()
