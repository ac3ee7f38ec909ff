"""Turns flat query keys, as links and forms carry them, into the body of a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from advisor.fit.units import GIB

TRUTH = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}


def whole(text: str) -> int | str:
    return int(text) if text.strip().lstrip("+-").isdigit() else text


def number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def truth(text: str) -> bool | str:
    return TRUTH.get(text.strip().lower(), text)


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def licence(text: str) -> str | list[str]:
    return text if text in ("any", "commercial") else words(text)


def gibibytes(text: str) -> int | str:
    value = number(text)
    return text if isinstance(value, str) or not abs(value) < 1e9 else int(value * GIB)


def gigabytes(text: str) -> int | str:
    value = number(text)
    return text if isinstance(value, str) or not abs(value) < 1e9 else int(value * 10**9)


# query key -> its path in the question, and a converter. Text that cannot be converted stays text: the question's
# validator then names the field and says what would be right.
KEYS: dict[str, tuple[tuple[str, ...], Callable[[str], Any]]] = {
    "host": (("hardware", "host"), str),
    "hw": (("hardware", "text"), str),
    "ram_gb": (("hardware", "ram_bytes"), gibibytes),
    "cpu_cores": (("hardware", "cpu_cores"), whole),
    "use_case": (("workload", "use_case"), str),
    "context": (("workload", "context"), whole),
    "concurrency": (("workload", "concurrency"), whole),
    "min_decode_tokens_per_second": (("workload", "min_decode_tokens_per_second"), number),
    "max_first_token_seconds": (("workload", "max_first_token_seconds"), number),
    "licence": (("workload", "licence"), licence),
    "input_modalities": (("workload", "input_modalities"), words),
    "languages": (("workload", "languages"), words),
    "tool_use": (("workload", "tool_use"), truth),
    "reasoning": (("workload", "reasoning"), truth),
    "price_per_kwh": (("cost", "price_per_kwh"), number),
    "power_watts": (("cost", "power_watts"), number),
    "purchase_price": (("cost", "purchase_price"), number),
    "years": (("cost", "years"), number),
    "utilisation": (("cost", "utilisation"), number),
    "prefer": (("prefer",), str),
    "engine": (("engines",), words),
    "limit": (("limit",), whole),
    "rejected_limit": (("rejected_limit",), whole),
    "expand": (("expand",), str),
    "on_disk": (("on_disk",), truth),
}
ACCELERATOR: dict[str, tuple[str, Callable[[str], Any]]] = {
    "gpu": ("name", str),
    "gpus": ("count", whole),
    "vram_gb": ("memory_bytes", gibibytes),
    "bandwidth_gb_s": ("memory_bandwidth", gigabytes),
}
# The keys that links to other pages about the same machine and use case carry on.
CARRIED = ("hw", "host", "ram_gb", "cpu_cores", "gpu", "gpus", "vram_gb", "bandwidth_gb_s", "use_case", "context")
FIELD_OF = {".".join(path): key for key, (path, _) in KEYS.items()}
FIELD_OF |= {f"hardware.accelerators[0].{name}": key for key, (name, _) in ACCELERATOR.items()}


def question_of_query(query: Mapping[str, str]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The question of a query, and errors for unknown keys. An empty value counts as absent."""
    asked: dict[str, Any] = {}
    accelerator: dict[str, Any] = {}
    errors = []
    for key in query:
        text = query[key]
        if key in ACCELERATOR:
            name, read = ACCELERATOR[key]
            accelerator |= {name: read(text)} if text else {}
        elif key in KEYS:
            path, read = KEYS[key]
            if text:
                place = asked.setdefault(path[0], {}) if len(path) == 2 else asked
                place[path[-1]] = read(text)
        else:
            errors.append(
                {"field": key, "message": f"{key} is not a query key; known are {', '.join([*KEYS, *ACCELERATOR])}."}
            )
    if accelerator and "name" not in accelerator:
        errors.append({"field": "gpu", "message": "Name the GPU that this describes."})
    elif accelerator:
        asked.setdefault("hardware", {})["accelerators"] = [accelerator]
    return asked, errors


def option_of(field: str) -> str:
    """The command line's option for a field of the question."""
    key = FIELD_OF.get(field, field)
    return f"--{key.replace('_', '-')}" if key in KEYS or key in ACCELERATOR else field
