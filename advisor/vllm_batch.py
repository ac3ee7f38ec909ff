"""Lines of `estimate --vllm-batch`: a config.json, an accelerator by name, settings -> what vLLM's cache holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from advisor.fit.memory.vllm.capacity import capacity
from advisor.fit.memory.vllm.card import Card
from advisor.fit.memory.vllm.config import Reading, Refused, UnknownLayout, read
from advisor.fit.memory.vllm.requests import Serve, serve
from hardware.gpus import AmbiguousGpu, GpuSpec, UnknownGpu, lookup

CPU = Card("cpu", 0, None)


def answer(row: dict[str, Any]) -> dict[str, Any]:
    """{"id", ...figures} or {"id", "unknown": why}; "starts" is false beside "unknown" where vLLM refuses.

    Raises KeyError, TypeError or AttributeError when the row is no {"id", "config", "accelerator", "settings"}.
    """
    given = {"id": row["id"]}
    config, settings = dict(row["config"].items()), dict((row.get("settings") or {}).items())
    try:
        reading, wanted = read(config), serve(settings)
        found = [_figures(reading, wanted, card) for card in cards(row["accelerator"])]
    except Refused as error:
        return given | {"starts": False, "unknown": str(error)}
    except (UnknownLayout, UnknownGpu, ValueError) as error:
        return given | {"unknown": str(error)}
    if any(figures != found[0] for figures in found):
        return given | {"unknown": f"{row['accelerator']!r} can be several cards that differ here; name one."}
    return given | found[0]


def cards(name: str) -> list[Card]:
    """The cards that go by this name, as vLLM sees them. Raises UnknownGpu, or ValueError for another maker's."""
    if name.strip().lower() == CPU.name:
        return [CPU]
    try:
        specs = [lookup(name)]
    except AmbiguousGpu as error:
        specs = [lookup(choice["name"], choice["memory_bytes"]) for choice in error.choices]
        if not specs:
            raise ValueError(str(error)) from error
    return [_card(spec) for spec in specs]


def _card(spec: GpuSpec) -> Card:
    if spec.vendor != "nvidia" or spec.compute_capability is None:
        raise ValueError(f"vLLM's cache is known here for NVIDIA cards and the CPU, not for {spec.name}.")
    major, minor = spec.compute_capability.split(".")
    return Card(spec.name, spec.memory_bytes, (int(major), int(minor)))


def _figures(reading: Reading, wanted: Serve, card: Card) -> dict[str, Any]:
    if wanted.kv_budget_bytes is None:
        raise ValueError("The setting 'kv_budget_bytes' must be given.")
    return asdict(capacity(reading, wanted, card, wanted.kv_budget_bytes))
