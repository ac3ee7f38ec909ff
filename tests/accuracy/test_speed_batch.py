"""Speed of measurements as published, against what was measured: decode of rows that name things in their own ways.

data/speed_batch.jsonl.gz holds rows of the public measurements gathered on 2026-11-24, each with its source: every
fifth plausible row of one stream ("single"), every fourth of one stream on several GPUs ("several"), every second of
vLLM with more than one request ("batched"); none was chosen by how well it is predicted. The constants were fitted on
most of them: errors on (GPU, model) pairs that a fit has not seen are printed by bench/speed_batch.py.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from advisor.answers.about import bounds
from advisor.estimates import speed_batch

ROWS = Path(__file__).parent / "data" / "speed_batch.jsonl.gz"
Judged = dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]


@pytest.fixture(scope="module")
def judged() -> Judged:
    """Rows with their answers by kind."""
    found: Judged = defaultdict(list)
    with gzip.open(ROWS, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            row = json.loads(line)
            found[row["kind"]].append((row, speed_batch.speed_row(row | {"id": number})))
    return found


def errors(judged: Judged, kind: str) -> np.ndarray:
    return np.array([abs(a["decode"]["mid"] / r["tg_tok_s"] - 1) for r, a in judged[kind] if "decode" in a])


def held(judged: Judged, kind: str) -> float:
    spans = [(a["decode"], r["tg_tok_s"]) for r, a in judged[kind] if "decode" in a]
    return float(np.mean([span["low"] <= measured <= span["high"] for span, measured in spans]))


def test_four_of_five_plausible_rows_are_answered_and_the_others_say_why(judged: Judged) -> None:
    rows = judged["single"]
    limit = bounds()["speed, one request"]
    assert len(rows) > limit["rows"]
    assert 100 * np.mean(["decode" in answer for _, answer in rows]) >= limit["answered"]
    assert all(answer["unknown"].endswith(".") for _, answer in rows if "decode" not in answer)


def test_decode_of_one_stream_is_within_the_stated_errors(judged: Judged) -> None:
    found, limit = errors(judged, "single"), bounds()["speed, one request"]
    assert 100 * np.median(found) <= limit["median"]
    assert 100 * np.quantile(found, 0.9) <= limit["p90"]
    assert 100 * held(judged, "single") >= limit["held"]


@pytest.mark.parametrize("kind", ["several", "batched"])
def test_several_gpus_and_several_requests_are_predicted_about_as_well(judged: Judged, kind: str) -> None:
    found, limit = errors(judged, kind), bounds()["speed, several"]
    assert len(found) > 0.8 * len(judged[kind]) > limit["rows"]
    assert 100 * np.median(found) <= limit["median"]
    assert 100 * held(judged, kind) >= limit["held"]
