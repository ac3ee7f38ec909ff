"""Reads a standalone config.json as its loader would: class defaults filled in, blocks in the listed order.

`hub_config` keeps unstated what the file does, for catalog models, whose parameter count settles it. A standalone file
has no such count, so the defaults of transformers' configuration classes are filled in, and anything still missing is
an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.architectures.hub_config import TEXT_PARTS, hub_facts

Given = Mapping[str, Any]
Facts = dict[str, Any]

# Default of `tie_word_embeddings` (transformers, `models/*/configuration_*.py`), by the text part's model_type.
TIED = frozenset({"cohere", "cohere2", "gemma2", "gemma3_text", "gemma4_text", "lfm2", "lfm2_moe", "smollm3"})
NOT_TIED = frozenset(
    (
        *("deepseek_v2", "deepseek_v3", "deepseek_v32", "exaone4", "falcon_h1", "glm4", "glm4_moe", "glm_moe_dsa"),
        *("gpt_oss", "granite", "granitemoehybrid", "jamba", "kimi_k2", "llama", "llama4_text", "mimo", "minimax_m2"),
        *("mistral", "mixtral", "nemotron_h", "olmo2", "olmo3", "olmoe", "phi3", "qwen2", "qwen3", "qwen3_5_moe_text"),
        *("qwen3_5_text", "qwen3_moe", "qwen3_next", "qwen3_vl_moe_text", "qwen3_vl_text", "seed_oss"),
    )
)
# Keys for which only this value has a known layout, by `arch`.
ONLY: dict[str, dict[str, Any]] = {
    "qwen3moe": {"decoder_sparse_step": 1, "mlp_only_layers": []},
    "qwen3vlmoe": {"decoder_sparse_step": 1, "mlp_only_layers": []},
    "qwen35moe": {"decoder_sparse_step": 1, "mlp_only_layers": []},
    "deepseek": {"moe_layer_freq": 1},
}
DIVISORS = ("n_heads", "n_kv_heads", "full_attn_every", "mamba_n_groups")


def loaded(config: Any) -> Facts:
    """Architecture facts of a config.json, complete enough for `computed_header.header`.

    Raises:
        UnknownLayout: one sentence on what is missing, impossible, or of unknown layout.
    """
    if not isinstance(config, Mapping):
        raise UnknownLayout("The configuration is not a JSON object.")
    found = hub_facts(config)
    given = next((config[key] for key in TEXT_PARTS if isinstance(config.get(key), Mapping)), config)
    kind = given.get("model_type") or config.get("model_type")
    if found.get("tie") is None and kind in TIED | NOT_TIED:
        found["tie"] = kind in TIED
    for key, wanted in ONLY.get(found["arch"], {}).items():
        if given.get(key, wanted) not in (wanted, None):
            raise UnknownLayout(f"The tensor layout of {kind} models with {key} other than {wanted} is not known.")
    if found["arch"] in ORDERS:
        found |= ORDERS[found["arch"]](given, found)
    elif given.get("layer_types"):
        found["windowed_layers"] = [kind in ("sliding_attention", "chunked_attention") for kind in listed(given, found)]
    for name in DIVISORS:
        if found.get(name) == 0:
            raise UnknownLayout(f"The configuration leaves no {name.replace('_', ' ')}: it must be above 0.")
    return found


def listed(given: Given, found: Facts) -> list[str]:
    """The layer type of every block."""
    kinds = given.get("layer_types") or given.get("layers_block_type")
    if not isinstance(kinds, list) or len(kinds) != found["n_layers"] or not all(isinstance(k, str) for k in kinds):
        raise UnknownLayout("The configuration's layer_types must name the kind of every layer.")
    return kinds


def attending(given: Given, found: Facts) -> Facts:
    """Indices of the attention blocks; the others are recurrent."""
    at = [i for i, kind in enumerate(listed(given, found)) if kind in ("attention", "full_attention")]
    return {"attention_layers": at, "n_attn_layers": len(at)}


def shortened(given: Given, found: Facts) -> Facts:
    """LFM2: two thirds of the stated width, rounded up, when the file asks for that."""
    step, width = given.get("block_multiple_of", 256), found.get("ffn")
    if not given.get("block_auto_adjust_ff_dim") or not width:
        return attending(given, found)
    if not isinstance(step, int) or step < 1:
        raise UnknownLayout("The configuration's block_multiple_of must be a whole number above 0.")
    return {**attending(given, found), "ffn": -(-(2 * width // 3) // step) * step}


def jamba(given: Given, found: Facts) -> Facts:
    """Jamba: attention and experts at fixed periods, each with its own offset."""
    keys = ("attn_layer_period", "attn_layer_offset", "expert_layer_period", "expert_layer_offset", "mamba_expand")
    if not all(isinstance(given.get(key), int) and given[key] >= 0 for key in keys):
        raise UnknownLayout(f"The configuration of a jamba model must say {', '.join(keys)}.")
    every, first, step, offset, expand = (given[key] for key in keys)
    if not every or not step or (found.get("n_experts", 1) > 1 and offset != step - 1):
        raise UnknownLayout("The tensor layout of jamba models with experts in these layers is not known.")
    at = [i for i in range(found["n_layers"]) if i % every == first]
    more = {} if found.get("n_experts", 1) > 1 else {"n_experts": None}
    place = {"attention_layers": at, "n_attn_layers": len(at), "moe_step": step}
    return {**place, "mamba_inner": expand * found["hidden"], **more}


ORDERS: dict[str, Callable[[Given, Facts], Facts]] = {
    "granite_h": attending,
    "lfm2": shortened,
    "lfm2moe": attending,
    "jamba": jamba,
}
