"""Layouts of mixture-of-experts decoders."""

from __future__ import annotations

from advisor.fit.architectures import block_pattern
from advisor.fit.architectures.family import (
    MOE,
    MOE_BIASED,
    MOE_BIASED_SHARED,
    MOE_SHARED,
    NORMED,
    POST_NORMS,
    PRE_NORMS,
    Family,
)

EXPERTS: dict[str, Family] = {
    "qwen3moe": Family("qwen3moe", mixers=NORMED, ffns=MOE, metadata=("heads", "experts")),
    "qwen3vlmoe": Family("qwen3vlmoe", mixers=NORMED, ffns=MOE, metadata=("heads", "experts", "deepstack")),
    "olmoe": Family("olmoe", mixers={"attention": ("attention", "wide_norms")}, ffns=MOE, metadata=("experts",)),
    "phimoe": Family(
        "phimoe",
        (*PRE_NORMS, "attn_norm_bias", "ffn_norm_bias"),
        {"attention": ("attention", "qkv_bias", "attn_output_bias")},
        MOE,
        top=("embedding", "final_norm", "final_norm_bias", "head_bias"),
        metadata=("experts",),
    ),
    "minimax_m2": Family(
        "minimax-m2",
        mixers={"attention": ("attention", "wide_norms")},
        ffns=MOE_BIASED,
        metadata=("heads", "experts"),
    ),
    "hunyuanmoe": Family("hunyuan-moe", mixers=NORMED, ffns=MOE_SHARED, metadata=("heads", "experts", "shared")),
    "hyv3": Family(
        "hy_v3",
        mixers=NORMED,
        ffns={"dense": ("gated",), "moe": ("router", "selection_bias_bare", "experts", "shared")},
        metadata=("heads", "experts", "shared", "shared_width", "leading"),
    ),
    "dots1": Family("dots1", mixers=NORMED, ffns=MOE_BIASED_SHARED, metadata=("heads", "experts", "shared", "leading")),
    "bailing_moe": Family(
        "bailingmoe2",
        mixers={"attention": ("fused_grouped_attention", "head_norms")},
        ffns=MOE_BIASED_SHARED,
        metadata=("heads", "experts", "shared", "leading"),
    ),
    "ernie": Family(
        "ernie4_5-moe",
        ffns=MOE_BIASED_SHARED,
        optional={"shared": "n_shared"},
        metadata=("heads", "experts", "shared", "shared_width", "leading", "interleave"),
    ),
    "glm4moe": Family(
        "glm4moe",
        ("attn_norm", "post_attention_norm"),
        {"attention": ("attention", "qkv_bias", "head_norms")},
        MOE_BIASED_SHARED,
        optional={"head_norms": "qk_norm"},
        metadata=("heads", "experts", "shared", "leading"),
    ),
    "llama4": Family("llama4", ffns=MOE_SHARED, metadata=("heads", "experts", "interleave")),
    "gptoss": Family(
        "gpt-oss",
        ("attn_norm", "post_attention_norm"),
        {"attention": ("attention", "qkv_bias", "attn_output_bias", "sinks")},
        {"moe": ("router", "router_bias", "experts", "experts_bias")},
        block_pattern.windowed,
        metadata=("heads", "window", "experts"),
    ),
    "mimo_v2": Family(
        "mimo2",
        mixers={"attention": ("attention", "sinks")},
        ffns=MOE_BIASED,
        schedule=block_pattern.windowed,
        metadata=("heads", "window", "experts"),
    ),
    "laguna": Family(
        "laguna",
        mixers={"attention": ("attention", "head_norms", "wide_gate")},
        ffns=MOE_BIASED_SHARED,
        metadata=("heads", "experts", "shared_width", "leading"),
    ),
    "laguna_windowed": Family(
        "laguna",
        mixers={"attention": ("attention", "head_norms", "head_gate")},
        ffns=MOE_BIASED_SHARED,
        schedule=block_pattern.windowed_after_full,
        metadata=("heads", "window", "experts", "shared_width", "leading"),
    ),
    "step3p5": Family(
        "step35",
        mixers={"attention": ("attention", "head_norms", "head_gate")},
        ffns=MOE_BIASED_SHARED,
        schedule=block_pattern.windowed_after_full,
        metadata=("heads", "window", "experts", "shared_width"),
    ),
    "afmoe": Family(
        "afmoe",
        PRE_NORMS + POST_NORMS,
        {"attention": ("attention", "head_norms", "wide_gate")},
        MOE_BIASED_SHARED,
        block_pattern.windowed,
        metadata=("heads", "window", "experts", "shared", "leading"),
    ),
    "cohere2_moe": Family(
        "cohere2moe",
        ("attn_norm",),
        ffns=MOE_SHARED,
        schedule=block_pattern.windowed,
        optional={"shared": "n_shared"},
        metadata=("heads", "window", "experts", "shared", "leading"),
    ),
    "deepseek": Family(
        "deepseek2",
        mixers={"attention": ("latent_q", "latent_kv")},
        ffns=MOE_SHARED,
        metadata=("latent", "experts", "shared", "leading"),
    ),
    "deepseek_low_rank": Family(
        "deepseek2",
        mixers={"attention": ("latent_q_low_rank", "latent_kv")},
        ffns=MOE_BIASED_SHARED,
        metadata=("latent", "experts", "shared", "leading"),
    ),
    "deepseek_indexed": Family(
        "deepseek32",
        mixers={"attention": ("latent_q_low_rank", "latent_kv", "indexer")},
        ffns=MOE_BIASED_SHARED,
        metadata=("latent", "indexer", "experts", "shared", "leading"),
    ),
    "glm_dsa": Family(
        "glm-dsa",
        mixers={
            "attention": ("latent_q_low_rank", "latent_kv", "indexer"),
            "unindexed": ("latent_q_low_rank", "latent_kv"),
        },
        ffns=MOE_BIASED_SHARED,
        schedule=block_pattern.with_indexer,
        metadata=("latent", "indexer", "experts", "shared", "leading"),
    ),
    "dots3_note": Family(
        "dots3note",
        mixers={
            "attention": ("latent_q_low_rank", "latent_kv", "rope_norm", "head_gate", "indexer"),
            "unindexed": ("latent_q_low_rank", "latent_kv", "rope_norm", "head_gate"),
        },
        ffns=MOE_BIASED_SHARED,
        schedule=block_pattern.with_indexer,
        metadata=("latent", "latent_window", "window", "indexer", "experts", "shared", "leading"),
    ),
}
