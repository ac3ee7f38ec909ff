"""Quality against speed of an answer's results, laid out for `parts/scatter.html`: numbers become places, no more."""

from __future__ import annotations

import math
from typing import Any

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 44, 16, 14, 34
SPEEDS = tuple(digit * 10**power for power in range(-1, 5) for digit in (1, 2, 5))
LEAST_QUALITY_SPAN = 20.0


def scatter(results: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Points, front and ticks in user units of a WIDTH x HEIGHT drawing; None where there is nothing to compare.

    Speed runs to the right on a logarithmic scale, quality upwards. `front` joins the results that no other one beats
    in both.
    """
    if len(results) < 2:
        return None
    speeds = [r["pace"]["mid"] for r in results]
    scores = [r["quality"]["score"] for r in results]
    if min(speeds) <= 0:
        return None
    slow, fast = math.log10(min(speeds) / 1.25), math.log10(max(speeds) * 1.25)
    middle, span = (min(scores) + max(scores)) / 2, max(max(scores) - min(scores) + 6, LEAST_QUALITY_SPAN)
    low = middle - span / 2

    def x(speed: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(speed) - slow) / (fast - slow), 1)

    def y(score: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (score - low) / span, 1)

    points = [
        {
            "x": x(speed),
            "y": y(score),
            "rank": r["rank"],
            "name": r["model"]["name"],
            "speed": speed,
            "score": score,
            "front": r["pareto"],
        }
        for r, speed, score in zip(results, speeds, scores, strict=True)
    ]
    front = sorted((p for p in points if p["front"]), key=lambda p: p["x"])
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "top": TOP,
        "bottom": HEIGHT - BOTTOM,
        "points": points,
        "front": " ".join(f"{p['x']},{p['y']}" for p in front),
        "speeds": [{"x": x(s), "value": f"{s:g}"} for s in SPEEDS if slow <= math.log10(s) <= fast],
        "scores": [{"y": y(q), "value": q} for q in range(0, 101, 10) if low <= q <= low + span],
    }
