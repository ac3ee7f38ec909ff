"""Compares memory predictions with llama.cpp's allocations: errors per set and class beside other estimators; speed.

    python bench/memory.py

Uses the rows of the tests (tests/accuracy/data: llama.cpp b11434, 43 models). The others' figures are published ones on
a larger draw of the same kind of rows (bench/memory.json). Prints tables; asserts nothing.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from advisor.fit import memo
from tests.accuracy import measured

PEERS = json.loads((ROOT / "bench" / "memory.json").read_text())


def main() -> None:
    total, compute = measured.scores(by_class=True), measured.scores("compute", by_class=True)
    heads = (
        f"{'rows':>5}",
        f"{'median':>7}",
        f"{'p90':>7}",
        f"{'worst':>8}",
        f"{'under>2%':>9}",
        " compute median/p90",
    )
    print(f"{'absolute error in %':<34}", *heads)
    for name in sorted(total):
        score, part = total[name], compute.get(name)
        buffers = f"{part.at(0.5):9.2f} /{part.at(0.9):7.2f}" if part else f"{'-':>9} /{'-':>7}"
        line(name, [len(score.errors), score.at(0.5), score.at(0.9), score.at(1), score.under], buffers)
        for peer, figures in PEERS.get(name, {}).items():
            line(f"  {peer}", figures)
    print(f"\n{PEERS['source']}")
    speed()


def line(name: str, figures: list[float], rest: str = "") -> None:
    rows, median, p90, worst, under = figures
    print(f"{name:<34} {rows:>5} {median:>7.2f} {p90:>7.2f} {worst:>8.1f} {under:>8.1f}%  {rest}".rstrip())


def speed() -> None:
    """Rows per second from sizes in memory; `manage.py estimate` reads headers as well."""
    memo.forget()
    for seen in ("as if none was seen before", "asked once more"):
        began = time.perf_counter()
        for row in measured.rows():
            measured.predicted(row)
        print(f"{len(measured.rows()) / (time.perf_counter() - began):8,.0f} rows a second {seen}")


if __name__ == "__main__":
    main()
