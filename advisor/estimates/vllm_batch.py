"""Answers lines of `estimate --vllm-batch`: config.json, accelerator and settings -> the capacity of vLLM's cache."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from advisor.fit.engines.vllm.capacity import capacity
from advisor.fit.engines.vllm.config import ConfigReading, NotServed, UnknownConfig, read_config
from advisor.fit.engines.vllm.device import Card
from advisor.fit.engines.vllm.overhead import ByteRange, budget
from advisor.fit.engines.vllm.serve_options import Serve, serve
from advisor.fit.engines.vllm.tuning import knobs
from advisor.fit.engines.vllm.version import COMPUTED_FOR
from hardware.reference import AmbiguousGpu, GpuSpec, UnknownGpu, lookup

CPU = Card("cpu", 0, None)
MAX_BYTES = 1 << 60


def vllm_row(row: dict[str, Any]) -> dict[str, Any]:
    """{"id", ...figures} or {"id", "unknown": why}; "starts" is false beside "unknown" where vLLM refuses.

    `"knobs": true` in the row adds the settings that let the same budget hold more tokens.
    Raises KeyError, TypeError or AttributeError when the row is no {"id", "config", "accelerator", "settings"}.
    """
    given, accelerator = {"id": row["id"]}, row["accelerator"].strip()
    config, settings = dict(row["config"].items()), dict((row.get("settings") or {}).items())
    try:
        reading, wanted = read_config(config), serve(settings)
        found = [_figures(reading, wanted, card, bool(row.get("knobs"))) for card in cards(accelerator)]
    except NotServed as error:
        return given | {"starts": False, "unknown": str(error)}
    except (UnknownConfig, ValueError) as error:
        return given | {"unknown": str(error)}
    except (ArithmeticError, AttributeError, LookupError, TypeError):
        return given | {"unknown": "The configuration has a field of another form than vLLM reads."}
    if any(figures != found[0] for figures in found):
        return given | {"unknown": f"{accelerator!r} can be several cards that differ here; name one."}
    return given | found[0] | {"computed_for": COMPUTED_FOR}


def cards(name: str) -> list[Card]:
    """The cards of this name, as vLLM sees them. Raises ValueError for others."""
    if name.lower() == CPU.name:
        return [CPU]
    try:
        specs = [lookup(name)]
    except UnknownGpu as error:
        raise ValueError(f"The accelerator {name!r} is not one that Berth knows.") from error
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


def _figures(reading: ConfigReading, wanted: Serve, card: Card, with_knobs: bool) -> dict[str, Any]:
    """Figures for a stated budget, else for what is left at default utilization when all else takes its most."""
    given = wanted.kv_budget_bytes
    left = budget(reading, wanted, card) if given is None else ByteRange(given, given)
    figures = asdict(capacity(reading, wanted, card, left.low))
    if figures["needed_bytes"] > MAX_BYTES:
        raise ValueError("The configuration describes a cache that no machine holds.")
    if given is None:
        figures |= {"kv_budget_bytes": left.low, "kv_budget_at_most": left.high}
    if with_knobs:
        figures["knobs"] = [asdict(knob) for knob in knobs(reading, wanted, card, left.low)]
    return figures
