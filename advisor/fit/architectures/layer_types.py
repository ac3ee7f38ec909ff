"""Reduces the per-layer lists of a published configuration to facts: full, windowed and recurrent blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from advisor.fit.architectures.dimensions import UnknownLayout

Facts = dict[str, Any]
MOST_LAYERS = 4096
FULL, WINDOW = "full_attention", "sliding_attention"
RECURRENT = frozenset({"linear_attention", "mamba", "conv"})
ATTENDING = frozenset({FULL, "attention"})
# Nemotron-H: a block has a single function, marked by a letter or listed by a word.
SINGLE = {"n_attn_layers": "*", "n_mamba_layers": "M", "n_mlp_layers": "-", "n_moe_layers": "E"}
LETTERS = {"attention": "*", "mamba": "M", "mlp": "-", "moe": "E"}


def pattern(given: Mapping[str, Any], found: Facts) -> Facts:
    """Facts about the order of blocks: windows, their period, numbers of attention and recurrent blocks.

    `given` is the text part of a config.json, `found` the facts already read from it.
    """
    layers = found.get("n_layers") or 0
    if layers > MOST_LAYERS:
        raise UnknownLayout(f"The configuration's num_hidden_layers must not be above {MOST_LAYERS}.")
    if found["arch"] == "nemotron_h":
        return _single(given)
    kinds = _kinds(given, layers)
    return _recurrent(given, kinds, layers) | _windows(given, kinds) | _dense(given, found)


def _single(given: Mapping[str, Any]) -> Facts:
    blocks = given.get("hybrid_override_pattern") or given.get("layers_block_type")
    if not isinstance(blocks, str | list) or len(blocks) > MOST_LAYERS:
        raise UnknownLayout("The configuration does not say of which kind each block is (hybrid_override_pattern).")
    letters = [LETTERS.get(block, block) if isinstance(block, str) else "" for block in blocks]
    if not set(letters) <= {*SINGLE.values()}:
        raise UnknownLayout("The configuration names kinds of blocks that are not known (hybrid_override_pattern).")
    counts = {name: letters.count(letter) for name, letter in SINGLE.items()}
    return counts | {"n_layers": len(letters), "layer_kinds": "".join(letters)}


def _kinds(given: Mapping[str, Any], layers: int) -> list[str]:
    """One kind per block when the configuration lists them, else an empty list."""
    listed = given.get("layer_types") or given.get("layers_block_type")
    if isinstance(listed, Sequence) and not isinstance(listed, str):
        return [str(kind) for kind in listed[:layers]]
    marks = given.get("hybrid_layer_pattern")
    if isinstance(marks, list):
        return [WINDOW if mark else FULL for mark in marks[:layers]]
    period = given.get("attn_layer_period")
    if isinstance(period, int) and period > 0:
        return ["attention" if i % period == given.get("attn_layer_offset", 0) else "mamba" for i in range(layers)]
    return []


def _recurrent(given: Mapping[str, Any], kinds: list[str], layers: int) -> Facts:
    if isinstance(given.get("full_attention_interval"), int):
        return {"full_attn_every": given["full_attention_interval"]}
    linear = given.get("linear_attn_config")
    if isinstance(linear, Mapping) and isinstance(linear.get("full_attn_layers"), list):
        full = [layer - 1 for layer in linear["full_attn_layers"] if isinstance(layer, int)]
        every = _period(full, layers) or _period(full[:-1], layers - 1)  # the last block may be attention out of turn
        return {"full_attn_every": every} if every else {}
    if not RECURRENT & set(kinds):
        return {}
    attending = [i for i, kind in enumerate(kinds) if kind in ATTENDING]
    every = _period(attending, layers)
    if "linear_attention" in kinds and every:
        return {"full_attn_every": every}
    return {"n_attn_layers": len(attending), "attention_layers": attending}


def _dense(given: Mapping[str, Any], found: Facts) -> Facts:
    """Number of leading dense blocks when the configuration marks each block that has experts."""
    marks = given.get("moe_layer_freq")
    if not isinstance(marks, list) or not found.get("n_experts"):
        return {}
    return {"first_dense": next((i for i, mark in enumerate(marks) if mark), len(marks))}


def _windows(given: Mapping[str, Any], kinds: list[str]) -> Facts:
    window = given.get("sliding_window") or given.get("attention_chunk_size")
    if not isinstance(window, int) or isinstance(window, bool) or given.get("use_sliding_window") is False:
        return {}
    if RECURRENT & set(kinds) or (kinds and WINDOW not in kinds):
        return {}
    stated = next((given[k] for k in ("sliding_window_pattern", "_sliding_window_pattern") if given.get(k)), None)
    full = [i for i, kind in enumerate(kinds) if kind == FULL]
    every = stated if isinstance(stated, int) else _period(full, len(kinds))
    if every:
        return {"sliding_window": window, "full_attn_every": every}
    return {"sliding_window": window} | ({"windowed_layers": [kind != FULL for kind in kinds]} if full else {})


def _period(positions: list[int], layers: int) -> int | None:
    """Period of the given blocks when each is the last, or each the first, of its group; else None."""
    if not positions:
        return None
    every = positions[1] - positions[0] if len(positions) > 1 else positions[0] + 1
    last = [i for i in range(layers) if i % every == every - 1]
    first = [i for i in range(layers) if i % every == 0]
    return every if positions in (last, first) else None
