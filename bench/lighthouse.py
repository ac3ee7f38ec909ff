"""Runs Lighthouse on the main pages, as a phone and as a desktop: performance, accessibility, best practices, 0 to 1.

    python bench/lighthouse.py [--version 12.8.2] [--write]

Needs Node 18.16 or newer with npm, and Chromium; Lighthouse itself is installed into a temporary folder. Prints each
scored audit below full marks. --write makes docs/lighthouse.md. Asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from serving import BENCH, Server, berth, seeded

MACHINE = "hw=2x+RTX+3090,+64+GB+RAM"
PAGES = {
    "start": "/",
    "answer": f"/?{MACHINE}&use_case=coding&context=32768",
    "model": f"/models/qwen3.6-27b/?{MACHINE}",
    "requirements": "/requirements/?model=qwen3.6-27b&use_case=coding&context=32768",
    "compare": f"/compare/?a=RTX+4060+8+GB,+16+GB+RAM&b={MACHINE[3:]}",
    "claims": "/claims/",
    "hardware": "/hardware/",
    "launches": "/launches/",
    "about": "/about/",
}
FORMS: dict[str, list[str]] = {"mobile": [], "desktop": ["--preset=desktop"]}
CATEGORIES = ("performance", "accessibility", "best-practices")
TIMES = {"largest-contentful-paint": "LCP", "total-blocking-time": "TBT", "cumulative-layout-shift": "CLS"}
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run"


def fetched(folder: Path, version: str) -> Path:
    npm = ["npm", "install", "--no-audit", "--no-fund", "--silent", f"lighthouse@{version}"]
    subprocess.run(npm, cwd=folder, check=True)  # noqa: S603
    return folder / "node_modules/.bin/lighthouse"


def asked(program: Path, url: str, more: list[str]) -> dict[str, Any]:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "chromium")
    command = [str(program), url, *more, f"--only-categories={','.join(CATEGORIES)}", "--output=json", "--quiet"]
    done = subprocess.run(  # noqa: S603
        [*command, f"--chrome-flags={FLAGS}"],
        env=os.environ | {"CHROME_PATH": chromium},
        check=True,
        capture_output=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def row(name: str, form: str, report: dict[str, Any]) -> str:
    scores = [f"{report['categories'][kind]['score']:.2f}" for kind in CATEGORIES]
    times = [report["audits"][key]["displayValue"].replace("\u00a0", " ") for key in TIMES]
    return f"| {name} | {form} | {' | '.join(scores + times)} |"


def short(report: dict[str, Any]) -> list[str]:
    """Scored audits below 1, with their score."""
    named = [ref["id"] for kind in CATEGORIES for ref in report["categories"][kind]["auditRefs"] if ref["weight"]]
    scores = {key: report["audits"][key]["score"] for key in named}
    return [f"{key} {score:.2f}" for key, score in scores.items() if score is not None and score < 1]


def measured(program: Path, server: Server, version: str) -> list[str]:
    today = datetime.now(UTC).date()
    lines = [
        "# Lighthouse",
        "",
        f"Lighthouse {version} on {today}, by `make lighthouse`: a phone on a slow network with a processor four times",
        "slower than this machine's, and a desktop. The time of an answer is this machine's, its other work included.",
        "",
        f"| page | form | {' | '.join(CATEGORIES)} | {' | '.join(TIMES.values())} |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    print("\n".join(lines))
    for name, path in PAGES.items():
        for form, more in FORMS.items():
            report = asked(program, f"http://127.0.0.1:{server.port}{path}", more)
            lines.append(row(name, form, report))
            print(lines[-1], *short(report), flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default="12.8.2")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, seeded():
        program = fetched(Path(folder), options.version)
        with berth() as server:
            lines = measured(program, server, options.version)
    if options.write:
        (BENCH.parent / "docs/lighthouse.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
