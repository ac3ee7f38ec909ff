"""Validated options of one `vllm serve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# --kv-cache-dtype -> bytes per value; None: the model's own type, or the checkpoint's.
CACHE_TYPES: dict[str, int | None] = {
    "auto": None,
    "bfloat16": 2,
    "float16": 2,
    "fp8": 1,
    "fp8_e4m3": 1,
    "fp8_e5m2": 1,
    "fp8_ds_mla": 1,
}
MAX_TOKENS = 1 << 30


@dataclass(frozen=True, slots=True)
class Serve:
    """None: vLLM's default for the model and the card. `kv_budget_bytes` is per device."""

    tp: int = 1
    kv_cache_dtype: str = "auto"
    max_model_len: int | None = None
    hybrid_manager: bool = True
    max_num_batched_tokens: int | None = None
    max_num_seqs: int | None = None
    prefix_caching: bool | None = None
    kv_budget_bytes: int | None = None


def serve(row: Mapping[str, Any]) -> Serve:
    """Options by name; a missing or null one takes vLLM's default. Raises ValueError with one sentence."""
    unknown = sorted(set(row) - set(Serve.__dataclass_fields__))
    if unknown:
        known = ", ".join(Serve.__dataclass_fields__)
        raise ValueError(f"The setting {unknown[0]!r} is not known; known are {known}.")
    given = {key: value for key, value in row.items() if value is not None}
    for key, high in (("tp", 1024), ("max_model_len", MAX_TOKENS), ("max_num_batched_tokens", MAX_TOKENS)):
        _whole(given, key, 1, high)
    _whole(given, "max_num_seqs", 1, 1 << 20)
    _whole(given, "kv_budget_bytes", 0, 1 << 50)
    for key in ("hybrid_manager", "prefix_caching"):
        if not isinstance(given.get(key, True), bool):
            raise ValueError(f"The setting {key!r} must be true or false.")
    if given.get("kv_cache_dtype", "auto") not in CACHE_TYPES:
        raise ValueError(f"The setting 'kv_cache_dtype' must be one of {', '.join(CACHE_TYPES)}.")
    return Serve(**given)


def _whole(given: Mapping[str, Any], key: str, low: int, high: int) -> None:
    value = given.get(key, low)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"The setting {key!r} must be a whole number from {low} to {high}.")
