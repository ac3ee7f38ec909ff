"""What makes one plan better than another: a weighted geometric mean of stated parts, each 0..1.

Geometric, because a part near nothing spoils the plan however good the others are: a strong model at half a token per second
helps nobody, nor does a fast one that cannot do the work. Works on numbers and on arrays alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

PARTS = ("quality", "speed", "headroom", "context")
WEIGHTS: dict[str, tuple[float, float, float, float]] = {
    "quality": (0.84, 0.10, 0.03, 0.03),
    "balanced": (0.68, 0.24, 0.04, 0.04),
    "speed": (0.40, 0.54, 0.03, 0.03),
}
LOWER_BOUND = 0.5  # quality counts half at its estimate and half at the low end of its interval
ROOM_WANTED = 0.10  # share of the memory left over beyond which more room is worth nothing
LEAST = 0.6  # headroom and growth only shade a plan that fits: they start here
FLOOR = 0.005


@dataclass(frozen=True, slots=True)
class Need:
    """Tokens per second and seconds to the first token at which a person or program stops waiting."""

    decode: float
    first_token: float


# Reading aloud takes 4 to 5 tokens per second and silent reading about 8; code and tool calls are skimmed or executed, and a
# reasoning model writes thousands of tokens before its answer.
NEEDS: dict[str, Need] = {
    "general": Need(15, 5),
    "chat": Need(15, 4),
    "coding": Need(30, 10),
    "math": Need(30, 10),
    "reasoning": Need(35, 10),
    "long_context": Need(12, 30),
    "tool_use": Need(30, 8),
    "vision": Need(15, 8),
    "multilingual": Need(15, 5),
    "embedding": Need(0, 0.5),
}
# A prompt seldom fills the context, and of a running conversation only the new part is read.
PROMPT_SHARE = 0.25


def quality_part(score: Any, low: Any, loss: Any) -> Any:
    """0..1 from a score and its lower bound (0..100), less the points the quantization costs."""
    return np.clip((LOWER_BOUND * low + (1 - LOWER_BOUND) * score - loss) / 100, 0.0, 1.0)


def speed_part(use_case: str, decode: Any, first_token: Any = 0.0) -> Any:
    """Saturating: 0.86 at the needed rate, next to nothing gained beyond twice that; waiting for the first token counts a quarter."""
    need = NEEDS[use_case]
    writing = 1 - np.exp(-2 * decode / need.decode) if need.decode else 1.0
    waiting = 1 / (1 + PROMPT_SHARE * first_token / (2 * need.first_token))
    return writing**0.75 * waiting**0.25


def headroom_part(share_left: Any) -> Any:
    return LEAST + (1 - LEAST) * np.clip(share_left / ROOM_WANTED, 0.0, 1.0)


def context_part(tokens_more: Any, asked: int) -> Any:
    """Full when the asked context could double, by memory and by training."""
    return LEAST + (1 - LEAST) * np.clip(tokens_more / asked, 0.0, 1.0)


def utility(prefer: str, parts: tuple[Any, Any, Any, Any]) -> Any:
    """0..100."""
    weights = WEIGHTS[prefer]
    return 100 * np.exp(sum(w * np.log(np.maximum(part, FLOOR)) for w, part in zip(weights, parts, strict=True)))
