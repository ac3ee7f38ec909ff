"""Suggestions for hardware text that was not understood, as links to choose from instead of typing again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import QueryDict

from advisor.fit.units import GIB
from hardware.parse_text import HardwareText, parse_text

EXAMPLES = (
    "RTX 4090, 64 GB RAM",
    "2x RTX 3090, 64 GB RAM",
    "2x H100 SXM, 256 GB RAM",
    "M3 Max 64 GB",
    "CPU only, 32 GB RAM",
)


def suggestion_links(query: QueryDict, errors: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`ways`: texts, each with the query that asks the same about it; `chosen`: whether they are readings of it."""
    found = choices(query.get("hw", ""), errors)
    ways = []
    for text in found or EXAMPLES:
        more = query.copy()
        more["hw"] = text
        ways.append({"text": text, "query": more.urlencode()})
    return {"ways": ways, "chosen": bool(found)}


def choices(text: str, errors: Iterable[Mapping[str, Any]]) -> list[str]:
    """`text` with each matching card in place of an ambiguous name; empty where no name is ambiguous."""
    for error in errors:
        at = re.fullmatch(r"hardware\.accelerators\[(\d+)\]\.name", error["field"])
        if at and error.get("choices"):
            name = named(text, int(at[1]))
            return [text.replace(name, full(choice), 1) for choice in error["choices"]] if name else []
    return []


def named(text: str, position: int) -> str | None:
    try:
        return str(parse_text(text)["accelerators"][position]["name"])
    except (HardwareText, IndexError):
        return None


def full(choice: Mapping[str, Any]) -> str:
    """A card's name with its memory, unless the name already ends in it."""
    size = choice["memory_bytes"] // GIB
    name = str(choice["name"])
    return name if re.search(rf"\b{size} ?GB$", name) else f"{name} {size} GB"
