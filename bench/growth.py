"""Scaling of the answer time with models in the catalog, accelerators in the machine and plans requested.

    python bench/growth.py [--write] [--questions 15]

Covers ranking, plans, rejections with fixes, and sentences, without HTTP; every question is new. Measures CPU time of
this process, so that other load counts little. --write makes docs/answer-time.svg and its table docs/answer-time.md.
Asserts nothing.
"""

from __future__ import annotations

import argparse
import gc
import platform
import statistics
import time
from collections.abc import Sequence

from serving import BENCH, seeded

ROOT = BENCH.parent
MODELS = (1000, 2000, 4000, 8000, 16000, 32000, 64000)
BUILDS = 6
GPUS = (1, 2, 4, 8, 16)
PLANS = (1, 5, 10, 20, 50, 100)
Line = list[tuple[int, float, float]]  # (size, median, 95th percentile) in milliseconds
WIDTH, HEIGHT, LEFT, TOP, GAP = 300, 220, 52, 40, 40
NAMES = {
    "models": f"Models in the catalog ({BUILDS} builds each)",
    "accelerators": "Accelerators (RTX 4090)",
    "plans": "Plans asked for",
}
LIGHT, DARK = "#1f5fbf", "#c2571a"


def spent(index: object, text: str, questions: int, limit: int = 10) -> tuple[float, float]:
    """Median and 95th percentile of the CPU milliseconds of an answer."""
    from advisor.answers import documents
    from advisor.answers.explain import reasons_for
    from advisor.fit.ranking.rank import rank
    from advisor.fit.ranking.rejections import rejections
    from advisor.fit.spec import Workload
    from advisor.question.parse import parse_hardware
    from advisor.selectors.hosts import (
        reference_gpus,
    )

    host = parse_hardware(text).host
    took = []
    for i in range(questions + 2):
        workload = Workload(use_case=("coding", "chat", "math")[i % 3], context=8192 + 1280 * i)
        start = time.process_time()
        ranking = rank(index, host, workload, limit=limit)  # type: ignore[arg-type]
        refused = rejections(index, host, workload, ranking, gpus=reference_gpus())  # type: ignore[arg-type]
        _ = [documents.result_document(r, host, {}, reasons_for(r, host, workload)) for r in ranking.results]
        _ = [documents.rejection_document(r) for r in refused]
        took.append(1e3 * (time.process_time() - start))
    took = sorted(took[2:])  # the first two meet cold caches
    return statistics.median(took), took[int(0.95 * len(took))]


def measured(questions: int, models: Sequence[int]) -> dict[str, Line]:
    from padding import padded

    from advisor.fit.ranking.catalog_arrays import Index
    from advisor.selectors.catalog import catalog_index

    seed = catalog_index()
    found: dict[str, Line] = {"models": [], "accelerators": [], "plans": []}
    for count in GPUS:
        found["accelerators"].append((count, *spent(seed, f"{count}x RTX 4090, 256 GB RAM", questions)))
    for count in PLANS:
        found["plans"].append((count, *spent(seed, "RTX 4090, 64 GB RAM", questions, limit=count)))
    for count in models:
        index = Index.of(padded(seed.catalog, count, BUILDS))
        gc.collect()
        gc.freeze()
        found["models"].append((count, *spent(index, "RTX 4090, 64 GB RAM", questions)))
        print(f"{count:>8,} models x {BUILDS} builds: {found['models'][-1][1]:7.1f} ms", flush=True)
        del index
        gc.unfreeze()
    return found


def panel(name: str, line: Line, left: int) -> str:
    """One chart: sizes evenly spaced, milliseconds from zero."""
    top = max(high for _, _, high in line) * 1.1
    step = WIDTH / max(1, len(line) - 1)
    bottom = TOP + HEIGHT
    parts = [f'<text x="{left}" y="{TOP - 14}" class="name">{name}</text>']
    for share in (0, 0.5, 1):
        y = bottom - share * HEIGHT
        parts.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y:.0f}" y2="{y:.0f}" class="grid"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.0f}" class="left">{share * top:.0f}</text>')
    for i, (size, _, _) in enumerate(line):
        text = f"{size // 1000}k" if size >= 1000 else str(size)
        parts.append(f'<text x="{left + i * step:.0f}" y="{bottom + 16}" class="below">{text}</text>')
    for column, kind in ((1, "median"), (2, "high")):
        places = [(left + i * step, bottom - HEIGHT * row[column] / top) for i, row in enumerate(line)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{points}" class="{kind}"/>')
    return "\n".join(parts)


def chart(panels: dict[str, Line], title: str, legend: str) -> str:
    """Panels by name, side by side; `legend` says what the lines measure."""
    width, height = len(panels) * (LEFT + WIDTH) + GAP, TOP + HEIGHT + 56
    style = (
        "text{font:12px system-ui,sans-serif;fill:#333}.name{font-weight:600}.left{text-anchor:end}"
        ".below{text-anchor:middle}.grid{stroke:#bbb;stroke-width:.5}polyline{fill:none;stroke-width:2}"
        f".median{{stroke:{LIGHT}}}.high{{stroke:{DARK};stroke-dasharray:4 3}}"
        f".m{{fill:{LIGHT}}}.h{{fill:{DARK}}}"
    )
    drawn = [panel(name, line, LEFT + i * (LEFT + WIDTH)) for i, (name, line) in enumerate(panels.items())]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        f"<title>{title}</title><style>{style}</style>\n"
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n'
        + "\n".join(drawn)
        + f'\n<text x="{LEFT}" y="{height - 8}">{legend}: <tspan class="m">median</tspan>, '
        '<tspan class="h">95th percentile (dashed)</tspan></text>\n</svg>\n'
    )


def table(found: dict[str, Line], questions: int) -> str:
    said = [
        "# How long an answer takes",
        "",
        "Milliseconds of CPU time of one answer: ranking, plans, rejections with fixes, sentences; without HTTP.",
        f"Written by `python bench/growth.py --write`: {questions} new questions each, {platform.machine()}, Python",
        f"{platform.python_version()}. Models and plans are on one RTX 4090 with 64 GB of RAM; accelerators and plans",
        "are with the catalog that comes with Berth. A padded catalog holds copies of its models with weights a few",
        "percent larger or smaller: of forty near twins most have to be planned before the best is known.",
        "",
        "![Milliseconds by models, accelerators and plans](answer-time.svg)",
    ]
    for key, line in found.items():
        said += ["", f"| {key} | median ms | 95th percentile ms |", "|---:|---:|---:|"]
        said += [f"| {size:,} | {middle:.1f} | {high:.1f} |" for size, middle, high in line]
    return "\n".join(said) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=15)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with seeded():
        found = measured(options.questions, MODELS if options.write else MODELS[:5])
    print(table(found, options.questions))
    if options.write:
        panels = {name: found[key] for key, name in NAMES.items()}
        drawn = chart(panels, "Milliseconds of an answer by models, accelerators and plans", "Milliseconds of CPU time")
        (ROOT / "docs/answer-time.svg").write_text(drawn)
        (ROOT / "docs/answer-time.md").write_text(table(found, options.questions))


if __name__ == "__main__":
    main()
