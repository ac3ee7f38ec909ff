"""Regression check of answers: asks about every kind of hardware, use case and requirement, and digests the answers.

    python bench/answers.py                     one digest per machine
    python bench/answers.py --keep before.json.gz
    python bench/answers.py --against before.json.gz

Runs on the seed catalog in a temporary folder. `--against` prints each question whose answer changed, with the first
field that differs.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from serving import seeded

HARDWARE = (
    "RTX 4090, 64 GB RAM",
    "RTX 4090",
    "2x RTX 3090, 64 GB RAM",
    "RTX 4060 laptop 8 GB, 16 GB RAM",
    "2x H100 SXM, 256 GB RAM",
    "8x H200, 1024 GB RAM",
    "16x A100 SXM4 80GB, 512 GB RAM",
    "RTX 3090 + RTX 3060 12GB, 64 GB RAM",
    "RX 7900 XTX, 32 GB RAM",
    "Arc B580, 32 GB RAM",
    "M3 Max 64 GB",
    "DGX Spark",
    "Strix Halo 128 GB",
    "CPU only, 32 GB RAM, 8 cores",
)
USE_CASES = (
    *("general", "chat", "coding", "math", "reasoning", "long_context"),
    *("tool_use", "vision", "multilingual", "embedding"),
)
NAMES = ("decision", "catalog_version", "fit_version")  # identify the answer and are not compared
CONTEXTS = (2304, 16384, 32768, 131072)
DEMANDS: tuple[dict[str, Any], ...] = (
    {"prefer": "quality"},
    {"prefer": "speed", "expand": "plans", "limit": 5},
    {"limit": 40, "rejected_limit": 400},
    {"workload": {"concurrency": 8, "context": 8192}},
    {"workload": {"min_decode_tokens_per_second": 25, "context": 32768}},
    {"workload": {"max_first_token_seconds": 2}},
    {"workload": {"licence": "commercial", "languages": ["de"], "tool_use": True}},
    {"workload": {"input_modalities": ["text", "image"], "reasoning": False}},
    {"workload": {"context": 1_000_000}},
)


def questions(text: str) -> Iterator[dict[str, Any]]:
    for use_case in USE_CASES:
        for context in CONTEXTS:
            yield {"hardware": {"text": text}, "workload": {"use_case": use_case, "context": context}}
    for demand in DEMANDS:
        yield {"hardware": {"text": text}, **demand}


def asked() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields each question as JSON text, with its answer."""
    from advisor.answers.recommend import recommend
    from advisor.question.errors import Invalid
    from advisor.question.parse import parse

    for text in HARDWARE:
        for question in questions(text):
            try:
                answer = recommend(parse(question)).document
            except Invalid as error:
                answer = {"errors": error.errors}
            yield orjson.dumps(question).decode(), answer


def difference(old: Any, new: Any, path: str = "") -> str | None:
    """Path of the first difference between two answers, with both values; None when they are equal."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        return next((d for key in old if (d := difference(old[key], new[key], f"{path}.{key}"))), None)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return next((d for i, (a, b) in pairs if (d := difference(a, b, f"{path}[{i}]"))), None)
    return None if old == new else f"{path}: {str(old)[:80]} -> {str(new)[:80]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--against", type=Path)
    options = parser.parse_args()
    with seeded():
        found = {question: orjson.loads(orjson.dumps(answer)) for question, answer in asked()}
    if options.keep:
        options.keep.write_bytes(gzip.compress(orjson.dumps(found), 1))
    if options.against:
        compare(orjson.loads(gzip.decompress(options.against.read_bytes())), found)
        return
    for text in HARDWARE:
        whole = hashlib.sha256()
        for question in questions(text):
            whole.update(orjson.dumps(found[orjson.dumps(question).decode()]))
        print(f"{text:<38} {whole.hexdigest()[:16]}")


def compare(before: dict[str, Any], after: dict[str, Any]) -> None:
    changed = 0
    for question in before.keys() & after.keys():
        where = difference(*({k: v for k, v in a[question].items() if k not in NAMES} for a in (before, after)))
        if where:
            changed += 1
            print(f"{question}\n    {where}")
    print(f"{len(before.keys() & after.keys())} questions, {changed} answers differ")


if __name__ == "__main__":
    main()
