"""Scatter chart of quality against speed: numbers become coordinates for `parts/scatter.html`, no more."""

from __future__ import annotations

import math
from typing import Any

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 44, 16, 14, 34
SPEEDS = tuple(digit * 10**power for power in range(-1, 5) for digit in (1, 2, 5))
LEAST_QUALITY_SPAN = 20.0
APART = 30  # least distance between the centres of two discs
AROUND = tuple(
    (distance * math.cos(math.radians(angle)), distance * math.sin(math.radians(angle)))
    for distance in (APART, 1.5 * APART, 2 * APART, 3 * APART)
    for angle in (0, 180, 315, 45, 225, 135, 270, 90)
)


def quality_speed_chart(results: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Points, Pareto front and ticks in user units of a WIDTH x HEIGHT drawing; None where there is nothing to compare.

    Speed runs to the right on a logarithmic scale, quality upwards. `front` joins the results that no other one beats
    in both. A point's number is drawn in a disc on it, or beside it where another disc would cover it.
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
    numbered(points)
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


def numbered(points: list[dict[str, Any]]) -> None:
    """Set `disc_x` and `disc_y` of each point; discs of the front stay on their points."""
    taken: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda p: (not p["front"], p["rank"])):
        here = (point["x"], point["y"])
        tried = [here, *((round(here[0] + dx, 1), round(here[1] + dy, 1)) for dx, dy in AROUND)]
        free = (at for at in tried if inside(*at) and all(math.dist(at, other) >= APART for other in taken))
        point["disc_x"], point["disc_y"] = next(free, here)
        point["moved"] = (point["disc_x"], point["disc_y"]) != here
        taken.append((point["disc_x"], point["disc_y"]))


def inside(x: float, y: float) -> bool:
    return LEFT + 12 <= x <= WIDTH - RIGHT - 12 and TOP <= y <= HEIGHT - BOTTOM - 12
