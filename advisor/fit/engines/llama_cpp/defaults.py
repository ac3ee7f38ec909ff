"""Applications that embed llama.cpp (`data/products.json`) and the default settings they run it with.

Each entry names its source: the program's own code or documentation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp.memory_curve import whole
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.settings_text import read_settings
from advisor.fit.spec import HostSpec
from advisor.fit.units import GIB

FLASH = {"auto": -1, "off": 0, "on": 1}  # as `settings_text.read_settings` takes it


@dataclass(frozen=True, slots=True)
class Product:
    id: str
    name: str
    version: str
    date: str
    context: tuple[dict[str, int], ...]
    slots: int
    unified: bool
    kv_type: str
    flash_attention: str
    batch: tuple[dict[str, int], ...]
    sources: tuple[str, ...]
    otherwise: tuple[str, ...]

    def tokens(self, device_bytes: int, limit: int | None = None) -> int:
        """Default context for this much GPU memory in total, at most the model's trained context."""
        asked = next(step["tokens"] for step in self.context if device_bytes >= step["gib"] * GIB)
        return min(asked, limit or asked)

    def row(self, context: int) -> dict[str, Any]:
        """Settings at this context under llama.cpp's short names, as `settings_text.read_settings` takes them."""
        batch = next(step for step in self.batch if context > step["above"])
        return {
            "ctx": context,
            "par": self.slots,
            "unified": int(self.unified),
            "ctk": self.kv_type,
            "ctv": self.kv_type,
            "fa": FLASH[self.flash_attention],
            "batch": batch["batch"],
            "ubatch": batch["ubatch"],
        }

    def settings(self, context: int) -> Settings:
        return read_settings(self.row(context)).settings


@dataclass(frozen=True, slots=True)
class Taken:
    """`bytes` as `memory_curve.whole` counts them."""

    context: int
    bytes: int


@cache
def products() -> dict[str, Product]:
    held = json.loads(files("advisor.fit").joinpath("data/products.json").read_text(encoding="utf-8"))
    steps = ("context", "batch", "sources", "otherwise")
    return {one["id"]: Product(**one | {key: tuple(one[key]) for key in steps}) for one in held["products"]}


def taken(product: Product, sizes: BuildSizes, host: HostSpec, limit: int | None) -> Taken:
    """Context and bytes of a build in this program with its defaults on this host, everything on the devices."""
    context = product.tokens(sum(device.memory_bytes for device in host.devices), limit)
    return Taken(context, whole(sizes, host, product.settings(context)))
