"""What llama.cpp b11434 allocated in its own dry run: 1,793 rows over 43 models, and their tensor tables.

data/rows.jsonl.gz, data/headers.json.gz. Settings are in llama.cpp's short names; bytes per buffer.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from advisor.fit.build import BuildSizes, Header, Tensor
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.settings_text import read_settings
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from advisor.fit.spec import Memory

DATA = Path(__file__).parent / "data"
Row = dict[str, Any]


@cache
def rows() -> list[Row]:
    return [orjson.loads(line) for line in gzip.open(DATA / "rows.jsonl.gz")]


@cache
def _headers() -> dict[str, Any]:
    return orjson.loads(gzip.open(DATA / "headers.json.gz").read())


def builds() -> Iterator[tuple[str, str]]:
    for model, header in _headers().items():
        for quantization in header["tensors"][0][2]:
            yield model, quantization


def header(model: str, quantization: str) -> Header:
    read = _headers()[model]
    tensors = tuple(Tensor(name, tuple(shape), types[quantization]) for name, shape, types in read["tensors"])
    return Header(read["kv"], tensors, read["n_vocab"])


def architecture(model: str) -> str:
    return str(_headers()[model]["kv"]["general.architecture"])


@cache
def sizes(model: str, quantization: str) -> BuildSizes:
    return summarise(header(model, quantization))


def predicted(row: Row) -> Memory:
    asked = read_settings(row["settings"])
    read = header(row["model"], row["quant"])
    known = summarise(read, asked.moved) if asked.moved else sizes(row["model"], row["quant"])
    return estimate_memory(known, asked.settings)


def kind(row: Row) -> str:
    settings = row["settings"]
    if settings["ndev"] == 0:
        return "cpu"
    if settings["ndev"] == 2:
        return "two gpus"
    whole = settings["ngl"] > row["n_layers"] and settings["kvo"] and not settings["ot"]
    return "full offload" if whole else "partial"


@dataclass
class Score:
    """Signed errors in percent: of all device bytes, on the CPU of all bytes."""

    errors: list[float] = field(default_factory=list)

    def at(self, share: float) -> float:
        ordered = sorted(map(abs, self.errors))
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def under(self) -> float:
        """Percent of the rows that are predicted more than 2 % too low."""
        return 100 * sum(error < -2 for error in self.errors) / len(self.errors)


def true(row: Row, part: str) -> int:
    """Bytes on all devices, of one kind or all; on the CPU its own. "beside": the compute buffer beside devices."""
    devices = row["settings"]["ndev"]
    host = row["output_buffer"] + sum(n for name, n in row["compute"].items() if not name.startswith("gpu"))
    if part == "beside":
        return host if devices else 0
    if part == "total":
        return row["gpu_total"] if devices else row["total"]
    return sum(row[part].get(f"gpu{i}", 0) for i in range(devices)) if devices else host


def found(memory: Memory, part: str) -> int:
    if part == "beside":
        return memory.host.compute
    return sum(getattr(d, part) for d in memory.devices or (memory.host,))


@cache
def predictions() -> list[tuple[Row, Memory]]:
    return [(row, predicted(row)) for row in rows()]


@cache
def scores(part: str = "total", by_class: bool = False) -> dict[str, Score]:
    """Errors per kind of placement, or per kind and class of model."""
    found_in: dict[str, Score] = {}
    for row, memory in predictions():
        expected = true(row, part)
        if not expected:  # without a device there is no such part
            continue
        error = 100 * (found(memory, part) - expected) / expected
        for name in (kind(row), f"{kind(row)} / {row['cls']}") if by_class else (kind(row),):
            found_in.setdefault(name, Score()).errors.append(error)
    return found_in
