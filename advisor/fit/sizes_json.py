"""Run-length JSON form of BuildSizes: each distinct block once, then (block, count) runs."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter
from typing import Any

from advisor.fit.build import BuildSizes, LayerSizes

VERSION = 8
LAYER = tuple(f.name for f in fields(LayerSizes))
REST = tuple(f.name for f in fields(BuildSizes) if f.name != "layers")
layer_values = attrgetter(*LAYER)


def to_json(sizes: BuildSizes) -> dict[str, Any]:
    """JSON-ready form of the sizes; `from_json` returns an equal object."""
    kinds: dict[LayerSizes, int] = {}
    runs: list[list[int]] = []
    for layer in sizes.layers:
        kind = kinds.setdefault(layer, len(kinds))
        if runs and runs[-1][0] == kind:
            runs[-1][1] += 1
        else:
            runs.append([kind, 1])
    stored: dict[str, Any] = {"version": VERSION, "layers": [listed(layer_values(x)) for x in kinds], "runs": runs}
    return stored | {name: getattr(sizes, name) for name in REST}


def listed(values: tuple[Any, ...]) -> list[Any]:
    """Tuples as lists, as JSON returns them, so that stored and freshly computed sizes compare equal."""
    return [listed(value) if isinstance(value, tuple) else value for value in values]


def from_json(stored: dict[str, Any]) -> BuildSizes:
    """The object that `to_json` wrote.

    Raises:
        ValueError: when another version of this module wrote it; summarise the header again.
    """
    if stored.get("version") != VERSION:
        raise ValueError(f"Sizes of version {stored.get('version')} cannot be read, version {VERSION} is needed.")
    kinds = [_layer(values) for values in stored["layers"]]
    layers: list[LayerSizes] = []
    for kind, count in stored["runs"]:
        layers += [kinds[kind]] * count
    return BuildSizes(layers=tuple(layers), **{name: stored[name] for name in REST if name in stored})


def _layer(values: list[Any]) -> LayerSizes:
    read: list[Any] = [tuple(value) if isinstance(value, list) else value for value in values]
    return LayerSizes(*read)
