"""Sums over the first blocks of a build: what lies between two of them is one subtraction."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from advisor.fit.build import LayerSizes
from advisor.fit.engines.llama_cpp.kv_cache import Cells, layer_bytes
from advisor.fit.engines.llama_cpp.settings import Settings

Layers = tuple[LayerSizes, ...]
BUILDS, CACHES = 256, 128  # remembered; a kilobyte or two each


class Weights(NamedTuple):
    """Bytes of the first i blocks, i from none to all: where they would lie, without and of routed experts."""

    layers: Layers  # held, so that its identity stays its own
    device: array[int]
    experts_device: array[int]
    host: array[int]
    experts_host: array[int]


_weights: dict[int, Weights] = {}
_caches: dict[tuple[object, ...], tuple[Layers, array[int]]] = {}


def upto(values: Iterable[int]) -> array[int]:
    return array("q", accumulate(values, initial=0))


def weights(layers: Layers) -> Weights:
    """The sums of a build's weights, worked out once while the build is in use."""
    held = _weights.get(id(layers))
    if held is None or held.layers is not layers:
        if len(_weights) >= BUILDS:
            _weights.clear()
        held = _weights[id(layers)] = Weights(
            layers,
            upto(x.device for x in layers),
            upto(x.experts_device for x in layers),
            upto(x.host for x in layers),
            upto(x.experts_host for x in layers),
        )
    return held


def caches(layers: Layers, size: Cells, settings: Settings, wide: int, *, on_device: bool) -> array[int]:
    """Bytes of cache and state of the first i blocks (`layer_bytes`)."""
    key = id(layers), size, settings.kv_type_k, settings.kv_type_v, wide, on_device
    held = _caches.get(key)
    if held is None or held[0] is not layers:
        if len(_caches) >= CACHES:
            _caches.clear()
        each: dict[int, int] = {}  # equal blocks are one object
        for layer in layers:
            if id(layer) not in each:
                each[id(layer)] = layer_bytes(layer, size, settings, wide, on_device)
        held = _caches[key] = layers, upto(each[id(layer)] for layer in layers)
    return held[1]
