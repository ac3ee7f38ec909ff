"""What vLLM 0.32.0 computed for its own cache: rows over 150 configurations, and the weights that it loads.

data/vllm_rows.jsonl.gz, vllm_weights.jsonl.gz, vllm_configs.jsonl.gz. vLLM's code ran on models without weights;
`h100` and `a100` are its CUDA paths on a described device, `cpu` is what its CPU server does. A row with only "starts"
is one that it refused. The rows of the `unseen` files were computed after the rules were written; two rules came from
them, that Falcon ignores --kv-cache-dtype and that several Mamba groups must divide.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from advisor.fit.engines.vllm.capacity import capacity
from advisor.fit.engines.vllm.config import ConfigReading, NotServed, read_config
from advisor.fit.engines.vllm.device import Card
from advisor.fit.engines.vllm.loaded_weights import weight_bytes
from advisor.fit.engines.vllm.serve_options import serve

DATA = Path(__file__).parent / "data"
CARDS = {
    "h100": Card("NVIDIA H100 80GB HBM3", 85_520_809_984, (9, 0)),
    "a100": Card("NVIDIA A100-SXM4-80GB", 85_899_345_920, (8, 0)),
    "rtx4090": Card("NVIDIA GeForce RTX 4090", 25_757_220_864, (8, 9)),
    "cpu": Card("cpu", 0, None),
}
Row = dict[str, Any]


def _compressed(bits: int, kind: str, strategy: str, group: int | None = None) -> Row:
    weights = {"num_bits": bits, "type": kind, "strategy": strategy, "group_size": group}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": weights}}}


# The names of the rows -> `quantization_config`. Online fp8 quantizes after loading; the row is what was loaded.
METHODS: dict[str, Row | None] = {
    "none": None,
    "online_fp8": None,
    "fp8_ckpt_dynamic": {"quant_method": "fp8"},
    "fp8_block128": {"quant_method": "fp8", "weight_block_size": [128, 128]},
    "ct_fp8_dynamic": _compressed(8, "float", "channel"),
    "ct_w8a8_int8": _compressed(8, "int", "channel"),
    "ct_w4a16_g128": _compressed(4, "int", "group", 128),
    "ct_nvfp4": _compressed(4, "float", "tensor_group", 16),
    "awq_g128": {"quant_method": "awq", "bits": 4, "group_size": 128},
    "gptq_int4_g128": {"quant_method": "gptq", "bits": 4, "group_size": 128},
    "gptq_int8_g128": {"quant_method": "gptq", "bits": 8, "group_size": 128},
}
NATIVE = {"gpt-oss-20b": {"quant_method": "mxfp4"}, "deepseek-v3": METHODS["fp8_block128"]}


def _lines(name: str) -> Iterator[Row]:
    with gzip.open(DATA / name) as lines:
        for line in lines:
            yield orjson.loads(line)


@cache
def rows() -> list[Row]:
    return [*_lines("vllm_rows.jsonl.gz"), *_lines("vllm_unseen_rows.jsonl.gz")]


@cache
def configs() -> dict[str, Row]:
    names = ("vllm_configs.jsonl.gz", "vllm_unseen_configs.jsonl.gz")
    return {row["model"]: row["config"] for name in names for row in _lines(name)}


@cache
def reading(model: str) -> ConfigReading:
    return read_config(configs()[model])


@cache
def weights() -> list[Row]:
    """`bytes` is None where vLLM did not load the model that way."""
    return list(_lines("vllm_weights.jsonl.gz"))


def predicted_weights(row: Row) -> int:
    name = row["quantization"]
    said = NATIVE[row["model"]] if name == "native" else METHODS[name]
    return weight_bytes(read_config(configs()[row["model"]] | {"quantization_config": said}), row["tp"])


def predicted(row: Row) -> dict[str, Any]:
    settings = serve(row["settings"])
    try:
        return asdict(capacity(reading(row["model"]), settings, CARDS[row["card"]], settings.kv_budget_bytes or 0))
    except NotServed:
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
