"""Published speed rows -> rows that name a catalog model, a GPU of the reference data and a quantization.

    python bench/speed_rows.py ROWS.jsonl.gz OUT.jsonl

Kept: one request at a time on one device or on the CPU, no speculative decoding, no remote endpoint. A row that does
not resolve by name is dropped.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DECODED = 64  # tokens: llama-bench averages over 128 generated ones

CLASSES = (  # what a name ends with in capitals -> the mix whose bytes come closest
    (r"UD[-_]?Q8_K_XL|Q8_K_XL|Q8_0|8BIT|INT8|FP8|MXFP8|W8A8|GGUF-Q8", "Q8_0"),
    (r"Q6_K|6BIT|6\.0BPW", "Q6_K"),
    (r"Q5_K|5BIT", "Q5_K_M"),
    (r"IQ4_XS|IQ4_NL|MXFP4|NVFP4", "IQ4_XS"),
    (r"Q4_0", "Q4_0"),
    (r"Q4_K|Q4_1|4BIT|INT4|AWQ|GPTQ|W4A16|MQ4|MLX 4BIT", "Q4_K_M"),
    (r"Q3_K|IQ3", "Q3_K_M"),
    (r"Q2_K|IQ2|2BIT", "Q2_K"),
    (r"BF16", "BF16"),
    (r"F16|FP16", "F16"),
)
DROPPED_WORDS = (
    "instruct|chat|it|hf|preview|distill|qwen(?=-?\\d+b$)|gguf|ud|v1|reasoning|thinking|inst|bf16|fp8|nvidia"
)
DROPPED = rf"(?<![a-z])({DROPPED_WORDS})(?![a-z])"
RENAMED = (
    ("deepseek r1 671b", "deepseek-r1"),
    ("deepseek r1 14b", "deepseek-r1-distill-qwen-14b"),
    ("codellama", "llama-2"),
)
RENAMED += (("deepseek-r1:7b", "deepseek-r1-distill-qwen-7b"), ("shisa-v2-", ""), ("meta-llama-3-", "llama-3-"))
RENAMED += (
    ("qwen3.6-35b", "qwen3.6-35b-a3b"),
    ("qwen3.6:35b", "qwen3.6-35b-a3b"),
    ("qwen3.6-35b-a3b-a3b", "qwen3.6-35b-a3b"),
)
RENAMED += (("qwopus3.6-27b", "qwen3.6-27b"), ("ornstein3.6-35b", "qwen3.6-35b"), ("gemma4:26b", "gemma-4-26b-a4b"))
OTHER_MODELS = r"mtp|reap|bonsai|dflash|tiny-?stories|asr|ocr|colbert|audio"
CPU = re.compile(r"ryzen|core tm|snapdragon|epyc|xeon", re.I)
ENGINES = (("mlx", "mlx"), ("vllm", "vllm"), ("sglang", "sglang"), ("exllama", "exllama"), ("llama", "llama.cpp"))


def plain(name: str) -> str:
    """A name without what differs between publishers: case, marks, words like Instruct; the point of 3.5 is kept."""
    text = name.lower().replace("_", "-").replace(":", "-").replace(" ", "-")
    text = re.sub(DROPPED, "", text.replace(".gguf", ""))
    return re.sub(r"[^a-z0-9.]", "", text)


def models() -> dict[str, dict[str, Any]]:
    """Catalog entries by plain name, longest first."""
    found = {}
    for path in sorted((ROOT / "catalog/data/models").glob("*.json")):
        entry = json.loads(path.read_text())
        found[plain(entry["name"].replace("Meta-", ""))] = entry
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def gpus() -> dict[str, list[dict[str, Any]]]:
    """Reference GPUs by plain name and alias; several where memory tells them apart."""
    found: dict[str, list[dict[str, Any]]] = {}
    for vendor in ("nvidia", "amd", "apple", "intel"):
        for entry in json.loads((ROOT / f"hardware/data/{vendor}.json").read_text()):
            names = {entry["name"], *entry.get("aliases", ()), *entry.get("nvml_names", ())}
            for name in {device(n) for n in names}:
                found.setdefault(name, []).append({**entry, "vendor": vendor})
    return found


def device(name: str) -> str:
    inner = re.search(r"\((?:(?:nvidia|amd|intel) (?!spark)|(?=m3 ultra))(.+?)\)", name, re.I)
    text = (inner[1] if inner else name).lower().replace("‑", "-")
    text = re.sub(r"\(.*?\)|\d+-?\s*core gpu|\d+-core|nvidia|geforce|radeon|amd|apple|intel|generation", " ", text)
    text = re.sub(
        r"\b\d+ ?gb\b|\b(mac )?studio\b|\bhbm3e?\b|\bsxm\d?\b|dell pro max with|spark|arc|instinct|mac studio|mac mini",
        " ",
        text,
    )
    text = re.sub(r"(?<![a-z0-9])(rtx|gtx|rx|pro(?= r9700))(?= ?r?\d{4})", "", text)
    return re.sub(r"[^a-z0-9]", "", text) or plain(name)


def quantization(text: str, model: str) -> str | None:
    text = text.partition("(")[0].strip()  # "Q4_K_M (Ollama's default) / MXFP4 for ..."
    known = f"{text} {model}".upper() if text in {"", "None"} else text.upper()
    if not text and ":" in model and "MLX" not in model.upper():
        known += " Q4_K_M"  # what an Ollama tag means when it names no quantization
    if "GPT-OSS" in model.upper() or "GPTOSS" in model.upper():
        return "MXFP4"
    return next((mix for pattern, mix in CLASSES if re.search(pattern, known)), None)


def single_stream(row: dict[str, Any]) -> bool:
    marked = any(row.get(mark) for mark in ("spec_decoding", "remote_endpoint", "heterogeneous", "flag"))
    alone = row.get("gpu_count") in {None, 1} and row.get("batch") == 1
    return alone and not marked and row.get("kv_dtype") != "fp8" and bool(row.get("tg_tok_s") or row.get("pp_tok_s"))


def renamed(model: str) -> str:
    text = model.lower()
    for old, new in RENAMED:
        text = text.replace(old, new)
    return text


def model_of(text: str, catalog: dict[str, Any]) -> dict[str, Any] | None:
    """The catalog entry whose plain name begins the row's, or else lies in it; the longest wins."""
    if re.search(OTHER_MODELS, text):
        return None
    name = plain(text.rsplit("/", maxsplit=1)[-1])
    begins = (e for key, e in catalog.items() if len(key) > 3 and name.startswith(key))
    within = (e for key, e in catalog.items() if len(key) > 6 and key in name)
    return next(begins, None) or next(within, None)


def engine_of(row: dict[str, Any], text: str) -> str | None:
    if row["engine"] in {"ollama", "unsloth-studio"}:
        return "mlx" if "mlx" in text else "llama.cpp"
    return next((e for mark, e in ENGINES if mark in row["engine"].lower()), None)


def join(row: dict[str, Any], catalog: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any] | None:
    """The compact row, or None when it is not a plain single stream or a name is not known."""
    text = renamed(row["model"])
    entry, engine, hardware = model_of(text, catalog), engine_of(row, text), _hardware(row, reference)
    mix = quantization(str(row.get("quant") or ""), row["model"])
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
        "board": "SBC" in str(row.get("host")) or bool(re.match(r"Pi |HiFive", str(row.get("gpu")))),
        "date": row["date"],
        "source": row["source"],
    }


def _hardware(row: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any] | None:
    name = str(row.get("gpu") or "")
    if row.get("backend") == "cpu" or (CPU.search(name) and "(" not in name and "radeon" not in name.lower()):
        return {"gpu": None, "cpu": name}
    options = reference.get(device(name))
    if not options:
        return None
    memory = row.get("gpu_mem_gb") or 0
    options = sorted(options, key=lambda g: min(abs(size - memory) for size in g["memory_gib"] or [0]) if memory else 0)
    return {"gpu": options[0]["name"], "cpu": None}


def rows(path: Path) -> Iterator[dict[str, Any]]:
    catalog, reference = models(), gpus()
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    for line in text.splitlines():
        joined = join(json.loads(line), catalog, reference)
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
