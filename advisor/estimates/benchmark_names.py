"""Resolves names in published measurements to models, accelerators, quantizations and engines.

Benchmark tables, issue reports and servers' tags spell one thing in many ways ("3090", "Pi CM5 (Nvidia RTX 3090)",
"unsloth/Qwen3-32B-GGUF", "qwen3:32b"). A name that does not resolve is None, never a near guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from catalog import seed
from hardware import reference

Entry = Mapping[str, Any]

MIXES = (  # upper-case pattern -> the GGUF mix with the closest bytes per weight
    (r"MXFP4_MOE", "MXFP4"),
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
# Weights as published, which vLLM and SGLang serve when a row names no quantization.
NATIVE = {
    "bf16": "BF16",
    "f16": "F16",
    "fp16": "F16",
    "fp8": "Q8_0",
    "fp4": "IQ4_XS",
    "mxfp4": "IQ4_XS",
    "int4": "Q4_K_M",
}
NOISE_WORDS = "instruct|chat|it|hf|preview|distill|qwen(?=-?\\d+b$)|gguf|ud|v1|reasoning|thinking|inst|bf16|fp8|nvidia"
NOISE = re.compile(rf"(?<![a-z])({NOISE_WORDS})(?![a-z])")
RENAMED = (
    ("deepseek r1 671b", "deepseek-r1"),
    ("deepseek r1 14b", "deepseek-r1-distill-qwen-14b"),
    ("codellama", "llama-2"),
    ("deepseek-r1:7b", "deepseek-r1-distill-qwen-7b"),
    ("shisa-v2-", ""),
    ("meta-llama-3-", "llama-3-"),
    ("qwen3.6-35b", "qwen3.6-35b-a3b"),
    ("qwen3.6:35b", "qwen3.6-35b-a3b"),
    ("qwen3.6-35b-a3b-a3b", "qwen3.6-35b-a3b"),
    ("qwopus3.6-27b", "qwen3.6-27b"),
    ("ornstein3.6-35b", "qwen3.6-35b"),
    ("ornith-1.0-35b", "qwen3.5-35b-a3b"),
    ("gemma4:26b", "gemma-4-26b-a4b"),
    ("phi-3-medium-4k", "phi-3-medium-128k"),
    ("granite-3.1-", "granite-3.3-"),
    ("llama-3.1-tulu-3-", "llama-3.1-"),
    (":latest", ""),
)
SIZED = re.compile(r"\d(b|m)$")
# Other models whose names contain a catalog model's name, and draft models, which make one faster than it is alone.
OTHER_MODELS = re.compile(r"mtp|reap|bonsai|dflash|tiny-?stories|asr|ocr|colbert|audio")
PROCESSOR = re.compile(r"ryzen|core tm|snapdragon|epyc|xeon", re.IGNORECASE)
# a single-board computer with a card: its CPU and PCIe lane are part of the figure
BOARD = re.compile(r"^(Pi|HiFive)\b")
# CPU -> cores, bytes/s of the fastest memory it supports
PROCESSORS = {
    "7840HS": (8, 89_600_000_000),
    "155H": (16, 119_500_000_000),
    "8745H": (8, 89_600_000_000),
    "Snapdragon 888": (8, 51_200_000_000),
}
UNSTATED_GIB = 32  # assumed for a unified device that is sold with any amount of memory
ENGINES = (
    ("mlx-vlm", "mlx-vlm"),
    ("mlx", "mlx"),
    ("vllm", "vllm"),
    ("sglang", "sglang"),
    ("exllama", "exllama"),
    ("llama", "llama.cpp"),
)


def plain(name: str) -> str:
    """A name without what differs between publishers: case, punctuation, words like Instruct; "3.5" keeps its point."""
    text = name.lower().replace("_", "-").replace(":", "-").replace(" ", "-")
    text = NOISE.sub("", text.replace(".gguf", ""))
    return re.sub(r"[^a-z0-9.]", "", text)


@cache
def known_models() -> dict[str, Entry]:
    """Entries of the seed catalog by plain name, longest first."""
    found = {plain(entry["name"].replace("Meta-", "")): entry for entry in seed.models()}
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def renamed(name: str) -> str:
    text = name.lower()
    for old, new in RENAMED:
        text = text.replace(old, new)
    return text


@cache
def model_named(name: str) -> Entry | None:
    """The catalog entry whose plain name begins the given one, is contained in it (the longest wins), or extends it.

    The last case is for tags that leave off a version ("nemotron-3-nano:30b"); they must name a size.
    """
    text = renamed(name)
    if OTHER_MODELS.search(text):
        return None
    short = plain(text.rsplit("/", maxsplit=1)[-1])
    begins = (e for key, e in known_models().items() if len(key) > 3 and short.startswith(key))
    within = (e for key, e in known_models().items() if len(key) > 6 and key in short)
    goes_on = (known_models()[key] for key in reversed(known_models()) if SIZED.search(short) and key.startswith(short))
    return next(begins, None) or next(within, None) or next(goes_on, None)


def quantization(text: str, model: str, entry: Entry | None = None) -> str | None:
    """The GGUF mix that stands for a quantization, taken from its own name or else from the model's.

    With `entry`, a row that names none means that model's weights as published.
    """
    if re.search(r"GPT-?OSS", model.upper()):
        return "MXFP4"  # as published; any other name refers to the remaining tensors
    if not text and entry and not any(re.search(pattern, model.upper()) for pattern, _ in MIXES):
        return NATIVE.get((entry["native_dtype"] or "").partition(" ")[0])  # "fp4 (experts) + fp8"
    text = text.partition("(")[0].strip()  # "Q4_K_M (Ollama's default) / MXFP4 for ..."
    known = f"{text} {model}".upper() if text in {"", "None"} else text.upper()
    if not text and ":" in model:
        known += " Q4_K_M"  # the default of an Ollama tag that names no quantization
    return next((mix for pattern, mix in MIXES if re.search(pattern, known)), None)


def as_published(engine: str | None) -> bool:
    """Whether an engine serves a model's published weights when no quantization is named."""
    return engine in ("vllm", "sglang")


def engine_named(name: str, model: str) -> str | None:
    """The engine whose kernels do the work: for Ollama llama.cpp, or MLX for a model that says so."""
    if name in {"ollama", "unsloth-studio"}:
        return "mlx" if "mlx" in model.lower() else "llama.cpp"
    return next((known for mark, known in ENGINES if mark in name.lower()), None)


def is_processor(name: str) -> bool:
    """Whether the name is that of a CPU alone, with no GPU beside it."""
    return bool(PROCESSOR.search(name) and "(" not in name and "radeon" not in name.lower())


def processor(name: str) -> tuple[int, int] | None:
    """Cores and memory bandwidth (bytes/s) of a CPU, or None if it is not in the table."""
    return next((facts for mark, facts in PROCESSORS.items() if mark in name), None)


def accelerators(name: str) -> list[reference.GpuSpec]:
    """Every card and size of that name, the slowest memory first; empty for an unknown name."""
    found, _, cores = reference.candidates(name)
    found = tuple(e for e in found if not e.get("rare")) or found
    if cores is not None:
        found = tuple(e for e in found if cores in e.get("gpu_cores", ())) or found
    sizes = [reference.spec(entry, gib) for entry in found for gib in entry["memory_gib"] or [UNSTATED_GIB]]
    return sorted(sizes, key=lambda card: (card.memory_bandwidth, card.memory_bytes))
