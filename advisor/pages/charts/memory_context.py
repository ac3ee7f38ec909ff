"""Chart of memory against context for a model's builds: numbers become coordinates for `parts/growth.html`, no more."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from advisor.fit.engines.llama_cpp.memory_curve import Need
from advisor.fit.units import GIB
from advisor.templatetags.berth import gib, tokens

WIDTH, HEIGHT = 440, 310
LEFT, RIGHT, TOP, BOTTOM = 52, 82, 20, 50
STEPS = tuple(digit * 10**power for power in range(-2, 5) for digit in (1, 2, 5))  # GiB
LINE = 19  # vertical distance between two names
LEADER = 7  # horizontal distance from a line's end to its name
ABOVE = 2.2  # a capacity above this multiple of the largest need would only flatten the lines


@dataclass(frozen=True, slots=True)
class Headroom:
    """A capacity: `mark` labels its line in the margin, `label` describes it, `bytes` are available in it."""

    mark: str
    label: str
    bytes: int


def memory_context_chart(lines: Mapping[str, Sequence[Need]], rooms: Sequence[Headroom]) -> dict[str, Any] | None:
    """Lines by build, capacity lines and ticks in user units of a WIDTH x HEIGHT drawing; None without a line.

    Context runs to the right on a logarithmic scale, memory upwards from zero. Names are placed in the margin beside a
    line's end, because inside the drawing they would sooner or later overlap another line.
    """
    needs = [need for line in lines.values() for need in line]
    if not needs:
        return None
    first, last = (math.log2(f(need.context for need in needs)) for f in (min, max))
    most = max(need.bytes for need in needs)
    shown = [room for room in rooms if room.bytes <= ABOVE * most]
    top = 1.06 * max([most, *(room.bytes for room in shown)])
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
    capacities = [{"mark": room.mark, "label": said(room), "y": y(room.bytes), "end": y(room.bytes)} for room in shown]
    named = [*drawn, *capacities]
    for line, place in zip(named, apart([line["end"] for line in named]), strict=True):
        line["name_y"] = place
    at = sorted({need.context for need in needs})
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "names": WIDTH - RIGHT + LEADER,
        "top": TOP,
        "bottom": HEIGHT - BOTTOM,
        "middle": (LEFT + WIDTH - RIGHT) / 2,
        "lines": drawn,
        "rooms": capacities,
        "beyond": [said(room) for room in rooms if room not in shown],
        "sizes": [{"y": y(i * step * GIB), "value": f"{i * step:g}"} for i in range(int(top / GIB / step) + 1)],
        "contexts": [{"x": x(c), "value": tokens(c)} for c in spread(at, x)],
    }


def said(room: Headroom) -> str:
    return f"{room.label}: {gib(room.bytes)}"


def apart(places: list[float]) -> list[float]:
    """The heights moved down until no two labels overlap, and back up from the axis."""
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
    """The contexts whose tick labels have room, from the largest down."""
    kept: list[int] = []
    for context in reversed(at):
        if not kept or x(kept[-1]) - x(context) >= 44:
            kept.append(context)
    return kept[::-1]
