"""Evaluates `manage.py estimate --speed-batch` on published rows, by fits without the row's (GPU, model) pair.

    python bench/speed_batch.py MEASURED.jsonl.gz

Evaluates plausible single-stream rows: decode measured, no flag, one request, one device or the CPU, no speculation, no
remote endpoint. The factors of low, mid and high are the committed ones, from bench/fit_speed.py's held-out pairs.
Prints coverage, errors, the share within low and high, and why rows were not answered.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "bench"))

from fit_speed import FOLDS, fit, tables
from speed_data import arrays, load_rows
from speed_rows import join

from advisor.estimates import benchmark_names, speed_batch
from advisor.fit.speed import efficiency

KEYS = ("gpu", "gpu_count", "model", "quant", "engine", "context", "prompt_tokens", "batch")


def plausible(row: dict[str, Any]) -> bool:
    marked = any(row.get(mark) for mark in ("flag", "spec_decoding", "remote_endpoint", "heterogeneous"))
    return bool(row.get("tg_tok_s")) and not marked and row.get("gpu_count") in {None, 1} and row.get("batch") == 1


def pair(gpu: str | None, model: str) -> tuple[str, str]:
    return efficiency.plain_name(gpu or "cpu"), model


def pair_of(row: dict[str, Any]) -> tuple[str, str]:
    entry, cards = benchmark_names.model_named(row["model"]), benchmark_names.accelerators(str(row.get("gpu") or ""))
    return pair(cards[0].name if cards else None, entry["slug"] if entry else row["model"])


def main() -> None:
    with gzip.open(sys.argv[1], "rt") as lines:
        rows = [json.loads(line) for line in lines]
    judged = [row for row in rows if plausible(row)]
    known = load_rows(joined for row in rows if (joined := join(row)))
    names = sorted({pair_of(row) for row in judged})
    fold = dict(zip(names, np.random.default_rng(7).permutation(len(names)) % FOLDS, strict=True))
    answers: dict[int, dict[str, Any]] = {}
    for f in range(FOLDS):
        data = arrays([r for r in known if fold.get(pair(r["gpu"], r["model"])) != f])
        efficiency.refit(tables(data, *fit(data)))
        for i, row in enumerate(judged):
            if fold[pair_of(row)] == f:
                answers[i] = speed_batch.speed_row({"id": i} | {key: row.get(key) for key in KEYS})
    report(judged, [answers[i] for i in range(len(judged))])


def report(judged: list[dict[str, Any]], answers: list[dict[str, Any]]) -> None:
    both = [(row, answer) for row, answer in zip(judged, answers, strict=True) if "decode" in answer]
    print(f"{len(judged)} plausible rows, {len(both) / len(judged):.1%} answered")
    for what, measured in (("decode", "tg_tok_s"), ("prefill", "pp_tok_s")):
        pairs = [(answer[what], row[measured]) for row, answer in both if row.get(measured)]
        error = np.array([abs(span["mid"] / value - 1) for span, value in pairs])
        held = np.mean([span["low"] <= value <= span["high"] for span, value in pairs])
        line = f"{np.median(error):6.1%} median {np.quantile(error, 0.9):7.1%} p90  {held:4.0%} in range"
        print(f"{what:8s} {len(pairs):5d} rows  {line}")
    for why, count in Counter(answer["unknown"] for answer in answers if "unknown" in answer).most_common(20):
        print(f"{count:5d}  {why}")


if __name__ == "__main__":
    main()
