"""Bytes of a weight matrix under each quantization method of vLLM, before the kernels repack it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from advisor.fit.engines.vllm.config import NotServed, UnknownConfig

MODEL_BYTES = 2


@dataclass(frozen=True, slots=True)
class Method:
    """`size` takes rows and columns of one rank's matrix. `ignored`: names of modules that keep the model's dtype.

    `experts_only`: nothing else is quantized, and experts are padded for the kernel (MXFP4 of gpt-oss). `group`:
    columns per scale, which experts' columns must be a multiple of.
    """

    name: str
    size: Callable[[int, int], float]
    ignored: tuple[str, ...] = ()
    experts_only: bool = False
    group: int = 1

    def keeps(self, module: str) -> bool:
        """Whether this module stays in the model's dtype, by the patterns that checkpoint publishers write."""
        return any(_matches(pattern, module) for pattern in self.ignored)


def _matches(pattern: str, module: str) -> bool:
    if pattern.startswith("re:"):
        return re.match(pattern[3:], module) is not None
    if "*" in pattern:
        return fnmatch.fnmatch(module, pattern)
    return module == pattern or module.startswith(pattern + ".") or f".{pattern}." in f".{module}."


def _grouped(bits: int, group: int) -> Callable[[int, int], float]:
    """Packed values and a 16-bit scale per group of columns; vLLM accepts whole groups only."""

    def size(rows: int, columns: int) -> float:
        if columns % group:
            raise NotServed(f"vLLM cannot cut a matrix of {columns} columns into groups of {group}.")
        return rows * columns * (bits / 8 + 2 / group)

    return size


def _with_zeros(bits: int, group: int, is_strict: bool) -> Callable[[int, int], float]:
    """AWQ and GPTQ: a zero point beside the scale of each group; GPTQ drops an incomplete last group."""

    def size(rows: int, columns: int) -> float:
        if is_strict and columns % group:
            raise NotServed(f"vLLM cannot cut a matrix of {columns} columns into groups of {group}.")
        return rows * (columns * bits / 8 + columns // group * (2 + bits / 8))

    return size


def _blocked(height: int, width: int) -> Callable[[int, int], float]:
    """fp8 with one float32 scale per block."""
    return lambda rows, columns: rows * columns + 4 * -(-rows // height) * -(-columns // width)


def unquantized(rows: int, columns: int) -> float:
    return rows * columns * MODEL_BYTES


def _per_tensor(rows: int, columns: int) -> float:
    return rows * columns + 4


def _per_channel(rows: int, columns: int) -> float:
    return rows * columns + 4 * rows


def _nvfp4(rows: int, columns: int) -> float:
    """4-bit values, an fp8 scale per 16 of them, a scale per matrix."""
    return rows * columns * (1 / 2 + 1 / 16) + 4


def _mxfp4(rows: int, columns: int) -> float:
    return rows * columns * (1 / 2 + 1 / 32)


def method(config: Mapping[str, Any]) -> Method:
    """The method of a config.json's `quantization_config`. Raises UnknownConfig for an unknown one."""
    text = config.get("text_config")
    said = (
        config.get("quantization_config") or (text or {}).get("quantization_config") or config.get("compression_config")
    )
    if not said:
        return Method("none", unquantized)
    name = str(said.get("quant_method", "")).lower().replace("_", "-")
    reader = READERS.get(name.split("-fp4")[0])
    if reader is None:
        raise UnknownConfig(f"The quantization method {said.get('quant_method')!r} is not known.")
    return reader(said)


def _fp8(said: Mapping[str, Any]) -> Method:
    block = said.get("weight_block_size")
    ignored = _names(said, "modules_to_not_convert", "ignored_layers")
    return Method("fp8", _blocked(*block) if block else _per_tensor, ignored)


def _packed(said: Mapping[str, Any]) -> Method:
    bits, group = int(said.get("bits") or said.get("w_bit") or 4), int(said.get("group_size") or 128)
    name = str(said["quant_method"])
    return Method(name, _with_zeros(bits, group, name == "awq"), _names(said, "modules_to_not_convert"), group=group)


def _compressed(said: Mapping[str, Any]) -> Method:
    groups = list((said.get("config_groups") or {}).values())
    weights = [group.get("weights") or {} for group in groups]
    if len({(w.get("num_bits"), w.get("type"), w.get("strategy"), w.get("group_size")) for w in weights}) != 1:
        raise UnknownConfig("The checkpoint mixes several quantizations of weights.")
    found, ignored = weights[0], _names(said, "ignore")
    bits, kind, strategy = found.get("num_bits"), found.get("type"), found.get("strategy")
    if (bits, kind) == (4, "float"):
        mx = found.get("group_size") == 32
        return Method("mxfp4" if mx else "nvfp4", _mxfp4 if mx else _nvfp4, ignored)
    if bits == 8 and strategy in ("tensor", "channel", "block"):
        block = found.get("block_structure") or (128, 128)
        sizes = {"tensor": _per_tensor, "channel": _per_channel, "block": _blocked(*block)}
        return Method(f"w8 {strategy}", sizes[strategy], ignored)
    if bits in (4, 8) and kind == "int" and strategy in ("group", "channel"):
        group = int(found.get("group_size") or 0)
        size = _grouped(bits, group) if group > 0 else lambda rows, columns: rows * columns * bits / 8 + 2 * rows
        return Method(f"w{bits}a16", size, ignored)
    raise UnknownConfig(f"Weights of {bits} bits of type {kind!r} by {strategy!r} are not known.")


def _modelopt(said: Mapping[str, Any]) -> Method:
    inner = said.get("quantization", said)
    algorithm = str(inner.get("quant_algo", "")).upper()
    ignored = _names(inner, "exclude_modules", "ignore") + _names(said, "ignore")
    if algorithm == "NVFP4":
        return Method("nvfp4", _nvfp4, ignored)
    if algorithm == "FP8":
        return Method("fp8", _per_tensor, ignored)
    raise UnknownConfig(f"The quantization algorithm {algorithm!r} of modelopt is not known.")


def _experts(said: Mapping[str, Any]) -> Method:
    return Method("mxfp4", _mxfp4, experts_only=True)


def _names(said: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    found: Iterable[Any] = (name for key in keys for name in said.get(key) or ())
    return tuple(str(name) for name in found)


READERS: dict[str, Callable[[Mapping[str, Any]], Method]] = {
    "fp8": _fp8,
    "awq": _packed,
    "gptq": _packed,
    "compressed-tensors": _compressed,
    "modelopt": _modelopt,
    "mxfp4": _experts,
}
