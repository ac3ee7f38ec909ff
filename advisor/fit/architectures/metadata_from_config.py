"""GGUF metadata under llama.cpp's keys (`src/llama-arch.cpp`), computed from architecture facts."""

from __future__ import annotations

from typing import Any

from advisor.fit.architectures.block_pattern import BlockKind
from advisor.fit.architectures.dimensions import Symbols, UnknownLayout
from advisor.fit.architectures.family import Family

# Key without the architecture's name -> dimension. A key ending in `?` is omitted when the configuration lacks it.
GROUPS: dict[str, dict[str, str]] = {
    "heads": {"attention.key_length": "head", "attention.value_length": "v_head"},
    "rope_head": {"rope.dimension_count": "head"},
    "window": {"attention.sliding_window?": "window"},
    "experts": {
        "expert_count?": "experts",
        "expert_used_count?": "used",
        "expert_feed_forward_length?": "expert_ff",
    },
    "expert_width": {"feed_forward_length?": "expert_ff"},  # when every block has experts and no other width is stored
    "shared": {"expert_shared_count?": "shared_count"},
    "shared_width": {"expert_shared_feed_forward_length?": "shared_ff"},
    "latent_experts": {"moe_latent_size?": "latent"},
    "per_layer": {"embedding_length_per_layer_input?": "per_layer"},
    "latent": {
        "attention.q_lora_rank?": "q_rank",
        "attention.kv_lora_rank": "kv_rank",
        "attention.key_length": "mla_kv",
        "attention.value_length": "kv_rank",
        "attention.key_length_mla": "mla_k",
        "attention.value_length_mla": "mla_v",
        "rope.dimension_count": "rope",
    },
    "latent_window": {
        "attention.kv_lora_rank_swa": "swa_kv_rank",
        "attention.key_length_swa": "swa_mla_kv",
        "attention.value_length_swa": "swa_kv_rank",
        "attention.key_length_mla_swa": "swa_mla_k",
        "attention.value_length_mla_swa": "swa_mla_v",
    },
    "indexer": {"attention.indexer.head_count": "index_heads", "attention.indexer.key_length": "index_head"},
    "delta": {
        "ssm.conv_kernel": "delta_kernel",
        "ssm.inner_size": "delta_inner",
        "ssm.state_size": "delta_key",
        "ssm.time_step_rank": "delta_values",
        "ssm.group_count": "delta_keys",
    },
    "kimi_delta": {"ssm.conv_kernel": "delta_kernel", "kda.head_dim": "kda_head"},
    "mamba": {
        "ssm.conv_kernel": "kernel",
        "ssm.inner_size": "mamba_inner",
        "ssm.state_size": "ssm_state",
        "ssm.time_step_rank": "mamba_rank",
    },
    "mamba2": {
        "ssm.conv_kernel": "kernel",
        "ssm.inner_size": "ssm_inner",
        "ssm.state_size": "ssm_state",
        "ssm.time_step_rank": "ssm_heads",
        "ssm.group_count": "ssm_groups",
    },
    "short_conv": {"shortconv.l_cache": "kernel"},
}

# Key -> configuration field, for values that are not dimensions.
FACTS = {
    "full_attention_interval": ("delta", "full_attn_every"),
    "leading_dense_block_count": ("leading", "first_dense"),
    "interleave_moe_layer_step": ("interleave", "moe_step"),
    "attention.shared_kv_layers": ("per_layer", "kv_shared_layers"),
    "attention.indexer.top_k": ("indexer", "index_topk"),
    "n_deepstack_layers": ("deepstack", "deepstack_layers"),
}

UNSAID = {"moe_step": 1}  # written even when the configuration does not state it


def metadata(family: Family, facts: dict[str, Any], blocks: list[BlockKind]) -> dict[str, Any]:
    """Metadata as a converted file would carry it; arrays when a value differs between blocks."""
    symbols = Symbols(facts)
    values: dict[str, Any] = {
        "block_count": len(blocks),
        "context_length": symbols["positions" if "positions" in family.top else "context"],
        "embedding_length": symbols["embd"],
        "feed_forward_length": _feed_forward(facts, blocks),
        "vocab_size": symbols["vocab"],
        **_heads(family, facts, blocks),
    }
    for group in family.metadata:
        for key, symbol in GROUPS.get(group, {}).items():
            value = _optional(symbols, symbol) if key.endswith("?") else symbols[symbol]
            if value is not None:
                values[key.rstrip("?")] = value
    for key, (group, name) in FACTS.items():
        if group in family.metadata:
            values[key] = facts.get(name, UNSAID.get(name))
    if "window" in family.metadata and any(block.windowed for block in blocks):
        values["attention.sliding_window_pattern"] = [block.windowed for block in blocks]
    if "indexer" in family.metadata and any(block.mixer == "unindexed" for block in blocks):
        values["attention.indexer.types"] = [block.mixer != "unindexed" for block in blocks]
    if "global_heads" in family.metadata:
        values |= _global_heads(symbols)
    if not family.causal:
        values["attention.causal"] = False
    named = {f"{family.gguf}.{key}": value for key, value in values.items() if value is not None}
    return {"general.architecture": family.gguf, **named}


def _optional(symbols: Symbols, symbol: str) -> int | None:
    try:
        return symbols[symbol]
    except UnknownLayout:
        return None


def _same(values: list[int]) -> int | list[int]:
    return values[0] if len(set(values)) == 1 else values


def _feed_forward(facts: dict[str, Any], blocks: list[BlockKind]) -> int | list[int] | None:
    """Width of the dense blocks; 0 for blocks without a feed-forward, the experts' width for blocks of experts only."""
    if any(block.ffn == "none" for block in blocks):
        return _same([0 if block.ffn == "none" else _width(facts, block) for block in blocks])
    width = facts.get("ffn")
    if width is None:
        return None
    return _same([int(block.facts.get("ffn", width)) for block in blocks])


def _width(facts: dict[str, Any], block: BlockKind) -> int:
    return Symbols(facts)["expert_ff" if block.ffn in ("moe", "latent") else "ff"]


def _heads(family: Family, facts: dict[str, Any], blocks: list[BlockKind]) -> dict[str, Any]:
    """Head counts; 0 KV heads mark a recurrent block, and MLA caches one key for all heads."""
    if all(block.mixer == "recurrent" for block in blocks):
        return {}
    symbols = Symbols(facts)
    attends = [block.mixer not in ("recurrent", "none") for block in blocks]
    if "delta" in family.metadata:  # the period tells which blocks are attention
        attends = [True] * len(blocks)
    count = 1 if "latent" in family.metadata else symbols["kv_heads"]
    kv = [int(b.facts.get("n_kv_heads", count)) if a else 0 for a, b in zip(attends, blocks, strict=True)]
    heads = [int(b.facts.get("n_heads", symbols["heads"])) for b in blocks]
    return {"attention.head_count": _same(heads), "attention.head_count_kv": _same(kv)}


def _global_heads(symbols: Symbols) -> dict[str, int]:
    large, small = int(symbols.need("global_head_dim")), symbols["head"]
    return {
        "attention.key_length": large,
        "attention.value_length": large,
        "attention.key_length_swa": small,
        "attention.value_length_swa": small,
        "rope.dimension_count": large,
        "rope.dimension_count_swa": small,
    }
