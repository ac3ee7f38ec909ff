"""What makes one plan better than another: a weighted geometric mean of stated parts, each 0..1.

Geometric, because a part near nothing spoils the plan however good the others are: a strong model at half a token per
second helps nobody, nor does a fast one that cannot do the work. Works on numbers and on arrays alike.
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
PATIENCE = {"quality": 0.6, "balanced": 1.0, "speed": 3.0}  # the needed rate, times this
LOWER_BOUND = 0.5  # quality counts half at its estimate and half at the low end of its interval
ROOM_WANTED = 0.10  # share of the memory left over beyond which more room is worth nothing
LEAST = 0.6  # headroom and growth only shade a plan that fits: they start here
FLOOR = 0.005


# A prompt seldom fills the context, and of a running conversation only the new part is read. Who sends long documents
# expects to wait longer: the bearable wait grows by itself once more with every LONG_PROMPT tokens of context.
PROMPT_SHARE = 0.25
LONG_PROMPT = 32768


def within(share: Any) -> Any:
    """At least 0 and at most 1."""
    return min(max(share, 0.0), 1.0) if isinstance(share, float | int) else np.clip(share, 0.0, 1.0)


def quality_part(score: Any, low: Any, loss: Any) -> Any:
    """0..1 from a score and its lower bound (0..100), less the points the quantization costs."""
    return within((LOWER_BOUND * low + (1 - LOWER_BOUND) * score - loss) / 100)


def speed_part(asked: Workload, prefer: str, decode: Any, first_token: Any = 0.0) -> Any:
    """Saturating: 0.86 at the needed rate, little more beyond twice that; waiting to start counts a quarter.

    An embedding writes nothing: there only the reading counts.
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
    """Full when the asked context could double, by memory and by training."""
    return LEAST + (1 - LEAST) * within(tokens_more / asked)


def utility(prefer: str, parts: tuple[Any, Any, Any, Any]) -> Any:
    """0..100."""
    weights = WEIGHTS[prefer]
    if all(isinstance(part, float) for part in parts):  # a tenth of the time of arrays of one
        return 100 * math.exp(sum(w * math.log(max(part, FLOOR)) for w, part in zip(weights, parts, strict=True)))
    return 100 * np.exp(sum(w * np.log(np.maximum(part, FLOOR)) for w, part in zip(weights, parts, strict=True)))
