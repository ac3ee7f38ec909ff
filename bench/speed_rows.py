"""Resolves published speed rows to a catalog model, a GPU of the reference data and a quantization.

    python bench/speed_rows.py ROWS.jsonl.gz OUT.jsonl

Keeps rows with one request at a time on one device or on the CPU, no speculative decoding, no remote endpoint. Drops
rows whose names do not resolve.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from advisor.estimates import benchmark_names


def single_stream(row: dict[str, Any]) -> bool:
    marked = any(row.get(mark) for mark in ("spec_decoding", "remote_endpoint", "heterogeneous", "flag"))
    alone = row.get("gpu_count") in {None, 1} and row.get("tensor_parallel") in {None, 1} and row.get("batch") == 1
    overfull = bool(row.get("context")) and (row.get("prompt_tokens") or 0) > row["context"]
    return (
        alone
        and not marked
        and not overfull
        and row.get("kv_dtype") != "fp8"
        and bool(row.get("tg_tok_s") or row.get("pp_tok_s"))
    )


def join(row: dict[str, Any]) -> dict[str, Any] | None:
    """The compact row, or None when it is not a plain single stream or a name is not known."""
    name = row["model"]
    entry, engine, hardware = (
        benchmark_names.model_named(name),
        benchmark_names.engine_named(row["engine"], name),
        _hardware(row),
    )
    published = entry if benchmark_names.as_published(engine) else None
    mix = benchmark_names.quantization(str(row.get("quant") or ""), name, published)
    if not single_stream(row) or entry is None or mix is None or engine is None or hardware is None:
        return None
    bench = row["quality"].startswith("llama-bench")
    prompt = int(row.get("prompt_tokens") or 0)
    return {
        **hardware,
        "model": entry["slug"],
        "quantization": mix,
        "engine": engine,
        "backend": row.get("backend") or "",
        "depth": int(row.get("context") or 0) if bench else prompt,
        "prompt_tokens": prompt if bench or prompt > 128 else 0,
        "file_gib": row.get("model_file_gib"),
        "peak_gb": row.get("peak_vram_gb"),
        "decode": row.get("tg_tok_s"),
        "prefill": row.get("pp_tok_s"),
        "bench": bench,
        "board": "SBC" in str(row.get("host")) or bool(benchmark_names.BOARD.match(str(row.get("gpu")))),
        "date": row["date"],
        "source": row["source"],
    }


def _hardware(row: dict[str, Any]) -> dict[str, Any] | None:
    name = str(row.get("gpu") or "")
    if row.get("backend") == "cpu" or benchmark_names.is_processor(name):
        return {"gpu": None, "cpu": name}
    cards = benchmark_names.accelerators(name)
    if not cards:
        return None
    size = (row.get("gpu_mem_gb") or 0) * 2**30
    card = min(cards, key=lambda c: abs(c.nominal_bytes - size)) if size else cards[len(cards) // 2]
    return {"gpu": card.name, "gpu_bytes": card.nominal_bytes, "cpu": None}


def rows(path: Path) -> Iterator[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    for line in text.splitlines():
        joined = join(json.loads(line))
        if joined is not None:
            yield joined


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    with target.open("w") as out:
        count = 0
        for row in rows(source):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    print(f"{count} rows")


if __name__ == "__main__":
    main()
