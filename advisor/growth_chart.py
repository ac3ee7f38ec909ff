"""Memory against context of a model's builds, laid out for `parts/growth.html`: numbers become places, no more."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from advisor.fit.growth import Need
from advisor.templatetags.berth import gib, tokens

WIDTH, HEIGHT = 440, 310
LEFT, RIGHT, TOP, BOTTOM = 52, 82, 20, 50
GIB = 1 << 30
STEPS = tuple(digit * 10**power for power in range(-2, 5) for digit in (1, 2, 5))  # GiB
LABEL = 240  # what a capacity's label takes to the right
LINE = 17  # between two labels
ABOVE = 2.2  # a capacity so many times the largest need would only press the lines flat


def chart(lines: Mapping[str, Sequence[Need]], rooms: Sequence[tuple[str, int]]) -> dict[str, Any] | None:
    """Lines by build, capacity lines and ticks in user units of a WIDTH x HEIGHT drawing; None without a line.

    Context runs to the right on a logarithmic scale, memory upwards from zero. `rooms`: label and bytes.
    """
    needs = [need for line in lines.values() for need in line]
    if not needs:
        return None
    first, last = (math.log2(f(need.context for need in needs)) for f in (min, max))
    most = max(need.bytes for need in needs)
    shown = [(label, size) for label, size in rooms if size <= ABOVE * most]
    top = 1.06 * max([most, *(size for _, size in shown)])
    step = next((s for s in STEPS if top / GIB / s <= 6), STEPS[-1])

    def x(context: int) -> float:
        span = (last - first) or 1
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (math.log2(context) - first) / span, 1)

    def y(size: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * size / top, 1)

    drawn = [
        {
            "name": name,
            "place": place,
            "points": " ".join(f"{x(need.context)},{y(need.bytes)}" for need in line),
            "end": y(line[-1].bytes),
        }
        for place, (name, line) in enumerate(lines.items(), 1)
    ]
    for line, label in zip(drawn, apart([line["end"] for line in drawn]), strict=True):
        line["label"] = label
    places = [(x(need.context), y(need.bytes)) for need in needs]
    at = sorted({need.context for need in needs})
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "top": TOP,
        "bottom": HEIGHT - BOTTOM,
        "middle": (LEFT + WIDTH - RIGHT) / 2,
        "lines": drawn,
        "rooms": [
            {"y": y(size), "label": f"{label}: {gib(size)}", "dy": clearer(y(size), places)} for label, size in shown
        ],
        "beyond": [f"{label}: {gib(size)}" for label, size in rooms if (label, size) not in shown],
        "sizes": [{"y": y(i * step * GIB), "value": f"{i * step:g}"} for i in range(int(top / GIB / step) + 1)],
        "contexts": [{"x": x(c), "value": tokens(c)} for c in spread(at, x)],
    }


def clearer(y: float, places: list[tuple[float, float]]) -> int:
    """Where a capacity's label crosses fewer lines: above its own line, or below it."""
    beside = [height - y for x, height in places if x <= LEFT + LABEL]
    above, below = (sum(low <= d <= high for d in beside) for low, high in ((-LINE, 0), (0, LINE)))
    return -5 if above <= below else 14


def apart(places: list[float]) -> list[float]:
    """The same heights moved down as far as it takes for two labels not to touch, and up again from the axis."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = list(places)
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + LINE)
    lowest = HEIGHT - BOTTOM
    for after in reversed(order):
        moved[after] = min(moved[after], lowest)
        lowest = moved[after] - LINE
    return [round(place, 1) for place in moved]


def spread(at: list[int], x: Any) -> list[int]:
    """Contexts whose labels have room: from the largest down."""
    kept: list[int] = []
    for context in reversed(at):
        if not kept or x(kept[-1]) - x(context) >= 44:
            kept.append(context)
    return kept[::-1]
