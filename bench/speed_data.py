"""Turns joined speed rows into roofline inputs and arrays for the fit."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from advisor.estimates import benchmark_names, speed_batch
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.steps import steps
from advisor.fit.speed import efficiency
from advisor.fit.speed.roofline import Step

CACHED_PROMPTS = ("apple-silicon-llm-bench",)  # repeats one prompt, so that later runs hit the prompt cache
BOARD = 0.1  # weight of rows from a single-board computer: its CPU and PCIe lane are part of the figure
FIELDS = tuple(Step.__dataclass_fields__)


@dataclass
class Data:
    rows: list[dict[str, Any]]
    step: dict[str, np.ndarray]
    half: dict[str, np.ndarray]
    kind: np.ndarray
    keys: dict[str, np.ndarray]
    names: dict[str, list[str]]
    bandwidth: np.ndarray
    flops: np.ndarray
    measured: np.ndarray
    prefill: np.ndarray
    tokens: np.ndarray
    weight: np.ndarray


def load(path: Path) -> list[dict[str, Any]]:
    return load_rows(json.loads(line) for line in path.read_text().splitlines())


def load_rows(joined: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with all inputs of the prediction; drops rows of unknown layout and rows that do not fit."""
    table = efficiency.fitted()
    rows = []
    for row in joined:
        try:
            sizes = speed_batch.sizes_of(row["model"], row["quantization"])
        except speed_batch.Unknown:
            continue
        scale = row["file_gib"] * 2**30 / sizes.file_bytes if row["file_gib"] else 1.0
        if row["gpu"]:
            cards = benchmark_names.accelerators(row["gpu"])
            device = speed_batch.device(
                next(c for c in cards if (c.name, c.nominal_bytes) == (row["gpu"], row["gpu_bytes"]))
            )
            if sizes.file_bytes * scale > speed_batch.LARGEST_SHARE * device.memory_bytes:
                continue
            if row["peak_gb"] and row["peak_gb"] * 1e9 < 0.85 * sizes.file_bytes * scale:
                continue  # part of the model was not on the device
            settings = Settings(context=4096, gpu_layers=len(sizes.layers) + 1, devices=1)
            row |= {
                "class": efficiency.device_class(device),
                "name": efficiency.plain_name(device.name),
                "device": device,
            }
            row |= {"bandwidth": float(device.memory_bandwidth or 0), "peak": float(device.flops_fp16 or 0)}
        else:
            facts = benchmark_names.processor(row["cpu"])
            if facts is None:
                continue
            cores, bandwidth = facts
            settings = Settings(context=4096)
            row |= {
                "class": "cpu",
                "name": "cpu",
                "bandwidth": float(bandwidth),
                "peak": cores * table["cpu_flops_per_core"],
            }
        at = steps(sizes, settings, settings.devices, row["depth"] + 64)
        half = steps(sizes, settings, settings.devices, row["depth"] + row["prompt_tokens"] // 2)
        row["step"], row["half"] = at[0], half[0]
        row["scale"], row["width"] = scale, efficiency.width_class(sizes)
        row["kernels"] = f"{efficiency.maker(row['class'])}|{row['width']}"
        row["roofline"] = 0.55 * row["bandwidth"] / (sizes.active_bytes * scale)
        row["decode"] = row["decode"] if row["decode"] and _plausible(row) else None
        row["prefill"] = row["prefill"] if row["prefill"] and _possible(row) else None
        if row["decode"] or row["prefill"]:
            rows.append(row)
    return rows


def _plausible(row: dict[str, Any]) -> bool:
    """Not above peak bandwidth (speculation, a wrong label), not far below it (swapping, prompt time included)."""
    share = row["decode"] / row["roofline"]
    least = 0.35 if not row["bench"] and row["depth"] > 4096 else 0.05
    return bool(least <= share <= 2.0)


def _possible(row: dict[str, Any]) -> bool:
    """A prompt long enough and not from the cache, and a rate between 0.4 % and all of the accelerator's peak."""
    if (not row["bench"] and row["prompt_tokens"] < 256) or any(s in row["source"] for s in CACHED_PROMPTS):
        return False
    step = row["half"]
    peak = row["peak"] or row["bandwidth"] * 60
    share = row["prefill"] * (step.flops + step.expert_flops + step.attention_flops) / peak
    return bool(0.004 < share < (1.0 if row["gpu"] else 4.0))


def arrays(rows: list[dict[str, Any]]) -> Data:
    scale = np.array([r["scale"] for r in rows])

    def table(key: str) -> dict[str, np.ndarray]:
        values = {f: np.array([getattr(r[key], f) for r in rows], dtype=float) for f in FIELDS}
        return values | {"dense": values["dense"] * scale, "experts": values["experts"] * scale}

    names = {
        "class": sorted({r["class"] for r in rows}),
        "width": sorted(
            {f"{efficiency.maker(r['class'])}|{width}" for r in rows for _, width in efficiency.fitted()["widths"]}
        ),
        "engines": sorted({r["engine"] for r in rows}),
        "devices": sorted({r["name"] for r in rows}),
    }
    fields = {"class": "class", "width": "kernels", "engines": "engine", "devices": "name"}
    keys = {k: np.array([names[k].index(r[fields[k]]) for r in rows]) for k in names}
    pairs: dict[tuple[str, str], int] = {}
    for r in rows:
        pairs[r["name"], r["model"]] = pairs.get((r["name"], r["model"]), 0) + 1
    nan = float("nan")
    return Data(
        rows=rows,
        step=table("step"),
        half=table("half"),
        kind=keys["class"],
        keys=keys,
        names=names,
        bandwidth=np.array([r["bandwidth"] for r in rows]),
        flops=np.array([r["peak"] or 0.0 for r in rows]),
        measured=np.log([r["decode"] or nan for r in rows]),
        prefill=np.log([r["prefill"] or nan for r in rows]),
        tokens=np.array([max(r["prompt_tokens"], 1) for r in rows], dtype=float),
        weight=np.array([pairs[r["name"], r["model"]] ** -0.5 * (BOARD if r["board"] else 1.0) for r in rows]),
    )
