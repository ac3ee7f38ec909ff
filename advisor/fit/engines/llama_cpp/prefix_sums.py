"""Prefix sums over a build's blocks: bytes of any layer range by one subtraction."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from advisor.fit.build import LayerSizes
from advisor.fit.engines.llama_cpp.kv_cache import Cells, layer_bytes
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.memo import remembered

Layers = tuple[LayerSizes, ...]


class Weights(NamedTuple):
    """Bytes of the first i blocks, i = 0..n, per buffer type: without routed experts, and of routed experts."""

    device: array[int]
    experts_device: array[int]
    host: array[int]
    experts_host: array[int]


def upto(values: Iterable[int]) -> array[int]:
    return array("q", accumulate(values, initial=0))


@remembered(256)  # one or two kilobytes each, as the caches below
def weights(layers: Layers) -> Weights:
    """Prefix sums of a build's weights, memoised while the build is in use."""
    return Weights(
        upto(x.device for x in layers),
        upto(x.experts_device for x in layers),
        upto(x.host for x in layers),
        upto(x.experts_host for x in layers),
    )


def caches(layers: Layers, size: Cells, settings: Settings, wide: int, *, on_device: bool) -> array[int]:
    """Prefix sums of cache and state bytes (`layer_bytes`)."""
    return _caches(layers, size, (settings.kv_type_k, settings.kv_type_v), wide, on_device)


@remembered(128)
def _caches(layers: Layers, size: Cells, kv_types: tuple[str, str], wide: int, on_device: bool) -> array[int]:
    settings = Settings(kv_type_k=kv_types[0], kv_type_v=kv_types[1])
    each: dict[int, int] = {}  # equal blocks are one object
    for layer in layers:
        if id(layer) not in each:
            each[id(layer)] = layer_bytes(layer, size, settings, wide, on_device)
    return upto(each[id(layer)] for layer in layers)
