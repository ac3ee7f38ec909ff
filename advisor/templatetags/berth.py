"""Template filters for figures as people read them. Bytes become GiB here, at the edge, and nowhere else."""

from __future__ import annotations

from typing import Any

from django import template

from advisor.fit.units import GIB

register = template.Library()

PARTS = ("weights", "kv", "compute", "overhead")


@register.filter
def gib(value: int | None) -> str:
    """Bytes -> "17.3 GiB", or MiB below one. None -> "unknown"."""
    if value is None:
        return "unknown"
    if abs(value) < GIB:
        return f"{value / 2**20:.0f} MiB"
    return f"{value / GIB:.1f} GiB" if abs(value) < 100 * GIB else f"{value / GIB:,.0f} GiB"


@register.filter
def dollars(value: float) -> str:
    """ "$0.25", "$12.40", "$0.004": two decimals, more where those would all be zero."""
    return f"${value:,.2f}" if value >= 0.1 else f"${value:.2g}"


@register.filter
def gigabytes(value: int) -> str:
    """Bytes -> "75 GB", of 10^9 bytes, as disk makers and articles count."""
    return f"{value / 10**9:,.0f} GB"


@register.filter
def whole(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


@register.filter
def exact(value: int | None) -> str:
    """Bytes with thousands separators, for a tooltip or a sum."""
    return "unknown" if value is None else f"{value:,} bytes"


@register.filter
def count(value: int | None) -> str:
    """Parameters -> "30.5B", tokens -> "32k"; None -> "unknown"."""
    if value is None:
        return "unknown"
    for step, unit in ((10**12, "T"), (10**9, "B"), (10**6, "M")):
        if value >= step:
            return f"{value / step:.3g}{unit}"
    return f"{value:,}"


@register.filter
def tokens(value: int | None) -> str:
    """Context lengths as they are usually written: 32768 -> "32k"."""
    if value is None:
        return "unknown"
    return f"{value // 1024}k" if value >= 1024 and value % 1024 == 0 else f"{value:,}"


@register.filter
def words(value: str) -> str:
    """An identifier as words: "tool_use" -> "tool use"."""
    return value.replace("_", " ")


@register.filter
def speed(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


@register.filter
def seconds(value: float | None) -> str:
    if value is None:
        return "unknown"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 90:
        return f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.0f} h"


@register.inclusion_tag("parts/memory_bar.html")
def memory_bar(label: str, memory: dict[str, Any], capacity: int | None, available: int | None) -> dict[str, Any]:
    """Segments of one device's bar in per mille of its capacity, and the sentence for screen readers."""
    total = sum(memory.get(part) or 0 for part in PARTS)
    scale = max(capacity or 0, total) or 1
    x, segments = 0.0, []
    for part in PARTS:
        width = 1000 * (memory.get(part) or 0) / scale
        if width:
            segments.append({"part": part, "x": f"{x:.1f}", "width": f"{width:.1f}"})
        x += width
    taken = (capacity or 0) - (available if available is not None else capacity or 0)
    return {
        "label": label,
        "memory": memory,
        "total": total,
        "capacity": capacity,
        "available": available,
        "segments": segments,
        "taken": taken if taken > 0 else 0,
        "taken_x": f"{1000 - 1000 * taken / scale:.1f}",
        "taken_width": f"{1000 * max(taken, 0) / scale:.1f}",
        "percent": round(100 * total / capacity) if capacity else None,
    }
