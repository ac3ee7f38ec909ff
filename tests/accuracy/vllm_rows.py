"""What vLLM 0.32.0 computed for its own cache: rows over 97 configurations, and the weights that it loads.

data/vllm_rows.jsonl.gz, vllm_configs.jsonl.gz. vLLM's code ran on models without weights; `h100` and `a100` are its
CUDA paths on a described device, `cpu` is what its CPU server does. A row with only "starts" is one that it refused.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from advisor.fit.memory.vllm.capacity import capacity
from advisor.fit.memory.vllm.card import Card
from advisor.fit.memory.vllm.config import Reading, Refused, read
from advisor.fit.memory.vllm.requests import serve

DATA = Path(__file__).parent / "data"
CARDS = {
    "h100": Card("NVIDIA H100 80GB HBM3", 85_520_809_984, (9, 0)),
    "a100": Card("NVIDIA A100-SXM4-80GB", 85_899_345_920, (8, 0)),
    "cpu": Card("cpu", 0, None),
}
Row = dict[str, Any]


def _lines(name: str) -> Iterator[Row]:
    with gzip.open(DATA / name) as lines:
        for line in lines:
            yield orjson.loads(line)


@cache
def rows() -> list[Row]:
    return list(_lines("vllm_rows.jsonl.gz"))


@cache
def configs() -> dict[str, Row]:
    return {row["model"]: row["config"] for row in _lines("vllm_configs.jsonl.gz")}


@cache
def reading(model: str) -> Reading:
    return read(configs()[model])


def predicted(row: Row) -> dict[str, Any]:
    settings = serve(row["settings"])
    try:
        return asdict(capacity(reading(row["model"]), settings, CARDS[row["card"]], settings.kv_budget_bytes or 0))
    except Refused:
        return {"starts": False}


def kind(row: Row) -> str:
    """The class of the bench's table, by what the model keeps."""
    found = reading(row["model"])
    if found.family.state:
        return "recurrent"
    if found.family.index:
        return "sparse index"
    if found.is_latent:
        return "latent"
    if found.family.types == "chunked":
        return "chunked"
    return "windowed" if found.fields.get(found.family.window) else "full"


@dataclass
class Score:
    """`errors`: the largest relative error of each row's figures, in percent. `wrong`: rows whose `starts` is wrong."""

    errors: list[float] = field(default_factory=list)
    wrong: int = 0

    def within(self, percent: float) -> float:
        return 100 * sum(error <= percent for error in self.errors) / len(self.errors)

    @property
    def right(self) -> float:
        return 100 * (1 - self.wrong / len(self.errors))


@cache
def scores() -> dict[str, Score]:
    found: dict[str, Score] = {}
    for row in rows():
        score = found.setdefault(kind(row), Score())
        mine, measured = predicted(row), row["measured"]
        score.wrong += mine["starts"] != measured["starts"]
        score.errors.append(max((_error(mine.get(key), measured[key]) for key in measured), default=0.0))
    return found


def _error(mine: float | None, measured: float) -> float:
    if mine is None:
        return float("inf")
    return 100 * abs(mine - measured) / (measured or 1)
