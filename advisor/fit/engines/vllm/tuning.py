"""Which serve option pays off: the same request with one option changed at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from advisor.fit.engines.vllm.capacity import capacity
from advisor.fit.engines.vllm.config import ConfigReading, NotServed, UnknownConfig
from advisor.fit.engines.vllm.device import Card
from advisor.fit.engines.vllm.serve_options import Serve

# Options worth trying, as fields of `Serve`.
CHANGES: tuple[dict[str, Any], ...] = (
    {"kv_cache_dtype": "fp8"},
    {"max_num_batched_tokens": 2048},
    {"hybrid_manager": True},
    {"hybrid_manager": False},
    {"prefix_caching": False},
)


@dataclass(frozen=True, slots=True)
class Knob:
    """`saved_bytes`: reduction per full-length request; `gained_tokens`: increase of cache capacity."""

    setting: str
    value: Any
    saved_bytes: int
    gained_tokens: int


def knobs(reading: ConfigReading, serve: Serve, card: Card, budget: int) -> list[Knob]:
    """Changes with which the same budget holds more tokens, the best first."""
    before = capacity(reading, serve, card, budget)
    found = []
    for change in CHANGES:
        try:
            after = capacity(reading, replace(serve, **change), card, budget)
        except (NotServed, UnknownConfig):
            continue
        [(setting, value)] = change.items()
        saved, gained = before.needed_bytes - after.needed_bytes, after.capacity_tokens - before.capacity_tokens
        found.append(Knob(setting, value, saved, gained))
    return sorted((knob for knob in found if knob.gained_tokens > 0), key=lambda knob: -knob.gained_tokens)
