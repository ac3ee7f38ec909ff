"""Achieved share of peak bandwidth and FLOPS, fitted per device class, weight width, device and engine.

The constants are in `data/speed.json`, written by `bench/fit_speed.py` from published measurements.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.fit.build import BuildSizes
from advisor.fit.spec import Device, HostSpec

Number = float | NDArray[np.float64]

DEVICE_BANDWIDTH = 200e9  # bytes/s for a device of unstated bandwidth; such an answer is never "calibrated"
CPU_CORES = 8  # when not stated
LARGEST_SHARE = 0.97  # cap on the share of peak bandwidth


@dataclass(frozen=True, slots=True)
class Rate:
    """Achieved bytes/s and FLOP/s for weights, experts and cache; seconds of overhead per step and per block."""

    dense: Number
    experts: Number
    cache: Number
    flops: Number
    expert_flops: Number
    attention_flops: Number
    fixed: Number
    block: Number


@cache
def fitted() -> dict[str, Any]:
    """The constants with their date, script and number of rows."""
    text = files("advisor.fit").joinpath("data/speed.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def refit(tables: dict[str, Any]) -> None:
    """Replaces constants in this process and clears the caches that depend on them."""
    fitted().update(tables)
    device_rate.cache_clear()
    _cpu_rate.cache_clear()


def device_class(device: Device) -> str:
    """Key of a device into the class table: vendor, generation, and whether it shares the host's memory."""
    if device.vendor == "nvidia":
        major, _, minor = (device.compute_capability or "8.6").partition(".")
        return _reached(fitted()["cuda_generations"], int(major) * 10 + int(minor or 0))
    return device.vendor + ("_unified" if device.unified and device.vendor != "apple" else "")


@lru_cache(4096)
def plain_name(name: str) -> str:
    """A device's name without vendor and brand, as the table spells it."""
    text = re.sub(r"nvidia|geforce|amd|radeon|apple|intel|\(.*?\)|\d+ ?gb", " ", name.lower())
    return re.sub(r"[^a-z0-9]", "", text)


def width_class(sizes: BuildSizes) -> str:
    """Class of a build's mean bits per active weight: kernels for one width achieve similar shares."""
    bits = 8 * sizes.active_bytes / sizes.active_parameters if sizes.active_parameters else 16.0
    return _reached(fitted()["widths"], bits)


def _reached(table: list[tuple[float, str]], value: float) -> str:
    """Name of the first entry, highest bound first, whose bound `value` reaches."""
    return next(name for least, name in table if value >= least)


@lru_cache(4096)
def device_rate(device: Device, width: str, engine: str = "llama.cpp") -> Rate:
    """Achieved rates of a device for weights of one width class."""
    table = fitted()
    name = device_class(device)
    kind = table["classes"].get(name, table["classes"]["other"])
    known = table["devices"].get(plain_name(device.name), {})
    bandwidth = float(device.memory_bandwidth or DEVICE_BANDWIDTH)
    reading = kind["bandwidth"] * known.get("bandwidth", 1.0) * _by_width("width", name, width)
    share = reading * table["engines"].get(engine, 1.0)
    peak = float(device.flops_fp16 or bandwidth * kind["flops_per_byte"])
    computing = kind["flops"] * known.get("flops", 1.0) * _by_width("width_flops", name, width)
    return _rate(kind, bandwidth, share, peak * computing * table["engine_flops"].get(engine, 1.0))


def host_rate(host: HostSpec, width: str) -> Rate:
    """Achieved rates of the CPU for weights of one width class."""
    return _cpu_rate(host.cpu_cores or CPU_CORES, ram_bandwidth(host), width)


@lru_cache(4096)
def _cpu_rate(cores: int, bandwidth: float, width: str) -> Rate:
    table = fitted()
    kind = table["classes"]["cpu"]
    share = kind["bandwidth"] * _by_width("width", "cpu", width)
    peak = cores * float(table["cpu_flops_per_core"])
    return _rate(kind, bandwidth, share, peak * kind["flops"] * _by_width("width_flops", "cpu", width))


def maker(kind: str) -> str:
    """Kernel family of a device class: cuda, amd, apple, intel or cpu."""
    return kind.partition("_")[0]


def _by_width(part: str, kind: str, width: str) -> float:
    table = fitted()[part]
    return float(table.get(maker(kind), table["other"])[width])


def _rate(kind: dict[str, float], bandwidth: float, share: float, flops: float) -> Rate:
    achieved = bandwidth * min(share, LARGEST_SHARE)
    return Rate(
        dense=achieved,
        experts=achieved * kind["experts"],
        cache=bandwidth * kind["cache"],
        flops=flops,
        expert_flops=flops * kind["expert_flops"],
        attention_flops=flops * kind["attention_flops"],
        fixed=kind["fixed_us"] * 1e-6,
        block=kind["block_us"] * 1e-6,
    )


def ram_bandwidth(host: HostSpec) -> float:
    """Bytes/s: as stated, or typical for the core count (`ram_bandwidth` of the data file)."""
    if host.ram_bandwidth:
        return float(host.ram_bandwidth)
    cores = host.cpu_cores or CPU_CORES
    return float(next(gb for least, gb in fitted()["ram_bandwidth"]["by_cores"] if cores >= least)) * 1e9


def basis(devices: list[Device], host_works: bool) -> str:
    """ "calibrated" when every device in use was measured and the host does no work, else "roofline"."""
    measured = all(plain_name(d.name) in fitted()["devices"] and d.memory_bandwidth for d in devices)
    return "calibrated" if devices and measured and not host_works else "roofline"
