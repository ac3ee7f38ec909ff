"""The ggml type of each tensor after quantisation by llama.cpp: the mix rules of `src/llama-quant.cpp`, b11434.

No bits-per-weight averages: rows that do not fill a block of 256 fall back to another type, some tensors get more bits
in some blocks, and some are never quantised. Without an importance matrix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from advisor.fit.engines.llama_cpp.ggml_types import BLOCKS


class WeightShape(NamedTuple):
    """A tensor before its type is assigned; `shape` in ggml order."""

    name: str
    shape: tuple[int, ...]


# Quantization name -> default type, for tensors that no rule below changes.
MIXES = {
    "F16": "f16",
    "BF16": "bf16",
    "Q8_0": "q8_0",
    "Q6_K": "q6_K",
    "Q5_K_M": "q5_K",
    "Q4_K_M": "q4_K",
    "Q4_K_S": "q4_K",
    "Q4_0": "q4_0",
    "Q3_K_M": "q3_K",
    "Q2_K": "q2_K",
    "IQ4_XS": "iq4_xs",
    "MXFP4": "mxfp4",
}
PLAIN = ("f16", "bf16")
FALLBACKS = {"iq4_xs": "iq4_nl", "q2_K": "q4_0", "q3_K": "q4_0", "q4_K": "q5_0", "q5_K": "q5_1", "q6_K": "q8_0"}

# Matrices that the converter writes as f32 (`convert_hf_to_gguf.py`, prepare_tensors), and per-expert biases.
FULL_PRECISION = re.compile(
    r"\.bias$|_norm\.weight$|ffn_gate_inp(_shexp)?\.weight$|^position_embd|^token_types|ssm_conv1d|shortconv\.conv\.weight$"
    r"|altup_(correct|predict)_coef|ssm_[ad]$"
)
# Matrices that the converter also writes as f32, but that llama-quantize does quantise.
WRITTEN_FULL = re.compile(r"indexer\.proj\.weight$")
# Tensors that keep the converter's type.
NEVER_QUANTISED = re.compile(r"altup|laurel|per_layer_model_proj|indexer\.[kq]_proj")

CATEGORIES = (  # the first match in the name wins, as in tensor_get_category
    ("output", re.compile(r"^output\.weight$")),
    ("embedding", re.compile(r"^(per_layer_)?token_embd\.weight$")),
    ("value", re.compile(r"attn_(qkv|kv_b|v)\.weight$")),
    ("key", re.compile(r"attn_k\.weight$")),
    ("attn_output", re.compile(r"attn_output\.weight$")),
    ("up", re.compile(r"ffn_up")),
    ("gate", re.compile(r"ffn_gate")),
    ("down", re.compile(r"ffn_down")),
)
BLOCK = re.compile(r"^blk\.(\d+)\.")
EXPERTS = re.compile(r"_exps\.weight$")
MIXTRAL_EXPERTS = 8  # models with exactly this many experts get more bits in their small attention tensors
# Architectures that llama.cpp classifies as "70B" at 80 blocks: their shared value heads get more bits.
SEVENTY = ("llama", "qwen2")
# Architectures whose MLA key and value tensors, 3-D like experts, are not treated as experts under MXFP4.
EXPERTS_BY_NAME = ("bailingmoe3",)


def assign(
    weights: Sequence[WeightShape], kv: Mapping[str, Any], quantization: str, expert_type: str | None = None
) -> list[str]:
    """Type of each tensor, in the order given.

    Args:
        kv: GGUF metadata.
        expert_type: the ggml type in which the experts were published, if any: the converter copies such tensors, and
            llama-quantize refuses to convert them ("requantizing is disabled").

    Raises:
        ValueError: for an unknown quantization.
    """
    if quantization not in MIXES:
        raise ValueError(f"quantization must be one of {', '.join(MIXES)}, not {quantization!r}.")
    mix = _Mix(quantization, kv, weights, expert_type)
    in_order = sorted(range(len(weights)), key=lambda i: (_block(weights[i].name), weights[i].name))
    types = {i: mix.type_of(weights[i]) for i in in_order}
    return [types[i] for i in range(len(weights))]


def _block(name: str) -> int:
    found = BLOCK.match(name)
    return int(found[1]) if found else -1


@lru_cache(16_384)  # the names are the same in all builds of a model, and nearly so in all models
def category(name: str) -> str:
    return next((label for label, pattern in CATEGORIES if pattern.search(name)), "other")


def more_bits(index: int, count: int) -> bool:
    """True for the first and last eighth of the blocks, and every third in between (use_more_bits)."""
    return index < count // 8 or index >= 7 * count // 8 or (index - count // 8) % 3 == 2


class _Mix:
    """One pass over the tensors in file order; counts value and down projections as it goes."""

    def __init__(
        self, quantization: str, kv: Mapping[str, Any], weights: Sequence[WeightShape], expert_type: str | None
    ) -> None:
        arch = kv["general.architecture"]
        self.name = quantization
        self.default = MIXES[quantization]
        self.expert_type = expert_type
        self.plain = self.default if self.default in PLAIN else "f16"
        self.blocks = int(kv[f"{arch}.block_count"])
        self.experts = int(kv.get(f"{arch}.expert_count") or 1)
        self.heads_per_key = _heads_per_key(kv, arch)
        self.seventy = arch in SEVENTY and self.blocks == 80
        self.by_name = arch in EXPERTS_BY_NAME
        self.values = sum(category(w.name) == "value" for w in weights)
        self.tied = not any(w.name == "output.weight" for w in weights)
        self.seen = {"value": 0, "down": 0}

    def type_of(self, weight: WeightShape) -> str:
        if len(weight.shape) < 2 or FULL_PRECISION.search(weight.name):
            return "f32"
        if self.expert_type and EXPERTS.search(weight.name):
            return self.expert_type
        if self.default in PLAIN and WRITTEN_FULL.search(weight.name):
            return "f32"
        if self.default in PLAIN or not weight.name.endswith("weight") or NEVER_QUANTISED.search(weight.name):
            return self.plain
        return self._fitting(self._wanted(weight), weight.shape[0])

    def _fitting(self, wanted: str, row: int) -> str:
        """`wanted`, or its fallback when its blocks do not divide the row."""
        for type_name in (wanted, FALLBACKS.get(wanted, self.plain)):
            if row % BLOCKS[type_name][0] == 0:
                return type_name
        return self.plain

    def _wanted(self, weight: WeightShape) -> str:
        kind = category(weight.name)
        if kind == "output" or (kind == "embedding" and self.tied):
            return self._output(weight.shape[0])
        if self.name == "MXFP4":
            expert = len(weight.shape) > 2 and (not self.by_name or kind in ("up", "gate", "down"))
            return "mxfp4" if expert else "q8_0"
        rule = {"value": self._value, "down": self._down, "key": self._key, "attn_output": self._attn_output}.get(kind)
        return rule(weight.name) if rule else self.default

    def _output(self, row: int) -> str:
        if self.name in ("MXFP4", "Q8_0") or row % BLOCKS[self.default][0]:
            return "q8_0"
        return "q6_K"

    def _value(self, _name: str) -> str:
        index = self.seen["value"]
        self.seen["value"] += 1
        chosen = self.default
        if self.name == "Q2_K":
            chosen = "q4_K" if self.heads_per_key >= 4 else "q3_K"
        elif self.name == "Q3_K_M":
            chosen = "q5_K" if index < 2 else "q4_K"
        elif (self.name == "Q4_K_S" and index < 4) or (self.name == "IQ4_XS" and self.heads_per_key >= 4):
            chosen = "q5_K"
        elif self.name in ("Q4_K_M", "Q5_K_M") and more_bits(index, self.values):
            chosen = "q6_K"
        if self.seventy and chosen in ("q3_K", "q4_K"):
            chosen = "q5_K"
        return "q8_0" if self.experts == MIXTRAL_EXPERTS else chosen

    def _key(self, _name: str) -> str:
        return "q8_0" if self.experts == MIXTRAL_EXPERTS else self.default

    def _down(self, name: str) -> str:
        # Several expert tensors share a block, so there the block number counts, not the order.
        index = _block(name) if self.experts > 1 else self.seen["down"]
        self.seen["down"] += 1
        if self.name == "Q2_K":
            return "q3_K"
        if self.name == "Q3_K_M":
            return "q5_K" if index < self.blocks // 16 else "q4_K"
        if self.name in ("Q4_K_M", "Q5_K_M") and more_bits(index, self.blocks):
            return "q6_K"
        if self.name in ("IQ4_XS", "Q4_K_S") and index < self.blocks // 8:
            return "q5_K"
        return self.default

    def _attn_output(self, _name: str) -> str:
        if self.experts == MIXTRAL_EXPERTS:
            return "q5_K" if self.name in ("Q2_K", "Q3_K_M", "Q4_K_S", "Q4_K_M", "IQ4_XS") else self.default
        return {"Q2_K": "q3_K", "Q3_K_M": "q4_K"}.get(self.name, self.default)


def _heads_per_key(kv: Mapping[str, Any], arch: str) -> int:
    """Query heads per KV head of block 0; 0 when that block has no KV heads (llama_hparams::n_gqa)."""
    heads, keys = (
        value[0] if isinstance(value, list) else value
        for value in (kv.get(f"{arch}.attention.head_count", 0), kv.get(f"{arch}.attention.head_count_kv", 0))
    )
    return int(heads) // int(keys) if keys else 0
