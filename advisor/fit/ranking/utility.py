"""Utility of a plan: a weighted geometric mean of quality, speed, headroom and context, each 0..1.

Geometric, so that one part near zero spoils the plan however good the others are: a strong model at half a token per
second is useless, and so is a fast one that cannot do the work. All functions accept numbers and arrays.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from advisor.fit.spec import Workload
from advisor.fit.use_cases import USE_CASES

PARTS = ("quality", "speed", "headroom", "context")
WEIGHTS: dict[str, tuple[float, float, float, float]] = {
    "quality": (0.82, 0.10, 0.05, 0.03),
    "balanced": (0.66, 0.22, 0.08, 0.04),
    "speed": (0.40, 0.50, 0.06, 0.04),
}
PATIENCE = {"quality": 0.6, "balanced": 1.0, "speed": 3.0}  # multiplies the needed rate
LOWER_BOUND = 0.5  # quality is half the estimate, half the lower end of its interval
ROOM_WANTED = 0.10  # share of memory left free beyond which more headroom adds nothing
LEAST = 0.6  # headroom and context only shade a plan that fits, so they start here instead of at 0
FLOOR = 0.005


# A prompt seldom fills the context, and in a running conversation only the new part is processed. Users with long
# documents accept a longer wait: it grows by its base value with every LONG_PROMPT tokens of context.
PROMPT_SHARE = 0.25
LONG_PROMPT = 32768


def within(share: Any) -> Any:
    """Clamps to 0..1."""
    return min(max(share, 0.0), 1.0) if isinstance(share, float | int) else np.clip(share, 0.0, 1.0)


def quality_part(score: Any, low: Any, loss: Any) -> Any:
    """0..1 from a score and its lower bound (0..100), less the points lost to quantization."""
    return within((LOWER_BOUND * low + (1 - LOWER_BOUND) * score - loss) / 100)


def speed_part(asked: Workload, prefer: str, decode: Any, first_token: Any = 0.0) -> Any:
    """0..1, saturating: 0.86 at the needed decode rate, little more beyond twice that; first-token latency counts a
    quarter.

    For embeddings only prefill counts.
    """
    need = USE_CASES[asked.use_case]
    bearable = 2 * need.first_token * (1 + asked.context / LONG_PROMPT) / PATIENCE[prefer]
    if not need.decode:
        return 1 / (1 + first_token / bearable)
    saturation = -2 * decode / (need.decode * PATIENCE[prefer])
    writing = 1 - (math.exp(saturation) if isinstance(saturation, float) else np.exp(saturation))
    waiting = 1 / (1 + PROMPT_SHARE * first_token / bearable)
    return writing**0.75 * waiting**0.25


def headroom_part(share_left: Any) -> Any:
    return LEAST + (1 - LEAST) * within(share_left / ROOM_WANTED)


def context_part(tokens_more: Any, asked: int) -> Any:
    """1 when the requested context could double, limited by memory and by the trained context."""
    return LEAST + (1 - LEAST) * within(tokens_more / asked)


def utility(prefer: str, parts: tuple[Any, Any, Any, Any]) -> Any:
    """Utility 0..100."""
    weights = WEIGHTS[prefer]
    if all(isinstance(part, float) for part in parts):  # ten times faster than one-element arrays
        return 100 * math.exp(sum(w * math.log(max(part, FLOOR)) for w, part in zip(weights, parts, strict=True)))
    return 100 * np.exp(sum(w * np.log(np.maximum(part, FLOOR)) for w, part in zip(weights, parts, strict=True)))
