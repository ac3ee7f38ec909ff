"""Kind of attention or state of each layer, from the configuration or from its model type's rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from advisor.fit.engines.vllm.config import ConfigReading, UnknownConfig

# Words of `layer_types`, `layers_block_type` and patterns -> kinds. "both": attention and a state in one layer.
WORDS = {
    "full_attention": "full",
    "attention": "full",
    "indexed_attention": "full",
    "*": "full",
    "sliding_attention": "window",
    "chunked_attention": "chunk",
    "linear_attention": "state",
    "mamba": "state",
    "mamba2": "state",
    "conv": "state",
    "M": "state",
    "hybrid": "both",
    "moe": "none",
    "mlp": "none",
    "-": "none",
    "E": "none",
}
# Period of full attention layers in configurations without `layer_types`: field that may state it, else the number.
PERIODS: dict[str, tuple[str | None, int]] = {
    "afmoe": ("global_attn_every_n_layers", 4),
    "cohere2": ("sliding_window_pattern", 4),
    "cohere_compass_text": ("sliding_window_pattern", 4),
    "diffusion_gemma_text": (None, 6),
    "exaone4": ("sliding_window_pattern", 4),
    "exaone_moe": ("sliding_window_pattern", 4),
    "gemma2": (None, 2),
    "gemma3_text": ("sliding_window_pattern", 6),
    "gemma3n_text": (None, 5),
    "gemma4_text": (None, 6),
    "gemma4_unified_text": (None, 6),
    "olmo3": (None, 4),
    "vaultgemma": (None, 2),
}
LAST_IS_FULL = frozenset(("gemma4_text", "gemma4_unified_text", "diffusion_gemma_text"))


def layer_kinds(reading: ConfigReading) -> list[str]:
    """One kind per layer: full, window, chunk, state, both or none. Raises UnknownConfig."""
    found = RULES[reading.family.types](reading)
    if reading.model_type in LAST_IS_FULL and found:
        found[-1] = "full"
    return found


def _declared(reading: ConfigReading) -> list[str]:
    """The configuration's `layer_types`, else the default of its transformers class."""
    words = reading.fields.get("layer_types")
    if words:
        return _translate(words)[: reading.layers]
    if reading.model_type in PERIODS:
        return _windows(reading)
    return FILLED_IN.get(reading.model_type, _after_first)(reading)


def _after_first(reading: ConfigReading) -> list[str]:
    """Qwen: windowed from `max_window_layers` on, if `use_sliding_window` is set."""
    fields = reading.fields
    if not fields.get("use_sliding_window") or fields.get("max_window_layers") is None:
        return ["full"] * reading.layers
    first = reading.number("max_window_layers")
    return ["window" if i >= first else "full" for i in range(reading.layers)]


def _first_of_four(reading: ConfigReading) -> list[str]:
    return ["window" if i % 4 else "full" for i in range(reading.layers)]


def _windows(reading: ConfigReading) -> list[str]:
    name, period = PERIODS[reading.model_type]
    value: Any = reading.fields.get(name, period) if name else period
    if isinstance(value, str):  # EXAONE spells the pattern: LLLG, and its last layer is global
        return [("window" if value[i % len(value)] == "L" else "full") for i in range(reading.layers)]
    if not value or reading.fields.get("sliding_window") is None:
        return ["full"] * reading.layers
    return ["window" if (i + 1) % int(value) else "full" for i in range(reading.layers)]


def _prefixed(reading: ConfigReading) -> list[str]:
    dense = int(reading.fields.get("first_k_dense_replace") or 0)
    first = int(reading.fields.get("prefix_dense_sliding_window_pattern") or 1)
    rest = int(reading.fields.get("sliding_window_pattern") or 4)
    prefix = ["window" if (i + 1) % first else "full" for i in range(dense)]
    return prefix + ["window" if (i + 1) % rest else "full" for i in range(reading.layers - dense)]


def _without_rope(reading: ConfigReading) -> list[str]:
    if not reading.fields.get("use_sliding_window") or reading.fields.get("sliding_window") is None:
        return ["full"] * reading.layers
    return ["full" if rope else "window" for rope in _has_rope(reading)]


def _alternating(reading: ConfigReading) -> list[str]:
    return ["full" if i % 2 else "window" for i in range(reading.layers)]


def _alternating_unless_declared(reading: ConfigReading) -> list[str]:
    return _translate(reading.fields["layer_types"]) if reading.fields.get("layer_types") else _alternating(reading)


def _hybrid_pattern(reading: ConfigReading) -> list[str]:
    pattern = reading.fields.get("hybrid_layer_pattern")
    if not pattern:
        raise UnknownConfig("The configuration does not say hybrid_layer_pattern.")
    return ["window" if windowed else "full" for windowed in pattern][: reading.layers]


def _chunked(reading: ConfigReading) -> list[str]:
    """Llama 4: layers with RoPE use chunked attention."""
    if not reading.fields.get("attention_chunk_size"):
        return ["full"] * reading.layers
    return ["chunk" if rope else "full" for rope in _has_rope(reading)]


def _has_rope(reading: ConfigReading) -> list[bool]:
    """`no_rope_layers` holds 1 for layers that do have RoPE, despite its name."""
    said = reading.fields.get("no_rope_layers")
    interval = reading.number("no_rope_layer_interval")
    return [bool(rope) for rope in said] if said else [(i + 1) % interval != 0 for i in range(reading.layers)]


def _every_fourth(reading: ConfigReading) -> list[str]:
    if reading.fields.get("layer_types"):
        return _translate(reading.fields["layer_types"])
    interval = int(reading.fields.get("full_attention_interval") or 4)
    return ["state" if (i + 1) % interval else "full" for i in range(reading.layers)]


def _mamba_unless_declared(reading: ConfigReading) -> list[str]:
    words = reading.fields.get("layer_types") or reading.fields.get("layers_block_type")
    return _translate(words) if words else ["state"] * reading.layers


def _override_pattern(reading: ConfigReading) -> list[str]:
    words = reading.fields.get("hybrid_override_pattern") or reading.fields.get("layers_block_type")
    if not words:
        raise UnknownConfig("The configuration says neither hybrid_override_pattern nor layers_block_type.")
    return _translate([w for w in words if w != "|"])


def _block_types(reading: ConfigReading) -> list[str]:
    return _translate(reading.fields.get("layers_block_type") or ())


def _period(reading: ConfigReading) -> list[str]:
    period, offset = reading.number("attn_layer_period"), reading.number("attn_layer_offset")
    return ["full" if i % period == offset else "state" for i in range(reading.layers)]


def _attention_indices(reading: ConfigReading) -> list[str]:
    if reading.fields.get("layer_types"):
        return _translate(reading.fields["layer_types"])
    indices = reading.fields.get("full_attn_idxs")
    return ["full" if indices is None or i in indices else "state" for i in range(reading.layers)]


def _layer_groups(reading: ConfigReading) -> list[str]:
    """Ling 2.5: the last layer of each group uses attention, as do the layers after the last complete group."""
    size = reading.number("layer_group_size")
    return ["state" if (i + 1) % size else "full" for i in range(reading.layers)]


# Model types whose class fills in `layer_types` by its own rule.
FILLED_IN: dict[str, Callable[[ConfigReading], list[str]]] = {
    "cohere2_moe": _prefixed,
    "cwm": _first_of_four,
    "granite_swa": _first_of_four,
    "granitemoe_swa": _first_of_four,
    "olmo_hybrid": _every_fourth,
    "smollm3": _without_rope,
}


def _translate(words: Sequence[Any]) -> list[str]:
    try:
        return [WORDS[word] for word in words]
    except (KeyError, TypeError):
        unknown = next(word for word in words if not isinstance(word, str) or word not in WORDS)
        raise UnknownConfig(f"The layer type {unknown!r} is not one that is known.") from None


RULES: dict[str, Callable[[ConfigReading], list[str]]] = {
    "declared": _declared,
    "alternating": _alternating,
    "alternating unless declared": _alternating_unless_declared,
    "hybrid pattern": _hybrid_pattern,
    "chunked": _chunked,
    "every fourth": _every_fourth,
    "mamba unless declared": _mamba_unless_declared,
    "full": lambda reading: ["full"] * reading.layers,
    "both": lambda reading: ["both"] * reading.layers,
    "mamba": lambda reading: ["state"] * reading.layers,
    "override pattern": _override_pattern,
    "block types": _block_types,
    "period": _period,
    "attention indices": _attention_indices,
    "layer groups": _layer_groups,
}
