"""Layouts of recurrent models and hybrids of recurrence and attention."""

from __future__ import annotations

from advisor.fit.architectures import block_pattern
from advisor.fit.architectures.family import DENSE, MOE, MOE_BIASED, MOE_BIASED_SHARED, MOE_SHARED, Family, Kinds

_DELTA_MOE: Kinds = {"moe": ("router", "experts", "shared_router", "shared")}
_MAMBA2: Kinds = {"recurrent": ("mamba2", "mamba2_norm"), "attention": ("attention",)}
_SINGLE: Kinds = {**_MAMBA2, "none": ()}
_EMBEDDING_ONLY = ("embedding", "embedding_norm")


def _delta(gguf: str, projections: str, ffn: Kinds) -> Family:
    return Family(
        gguf,
        ("attn_norm", "post_attention_norm"),
        {"attention": ("gated_attention", "head_norms"), "recurrent": ("delta_net", projections)},
        ffn,
        block_pattern.periodic,
        metadata=("heads", "delta", "experts", "shared_width"),
    )


HYBRIDS: dict[str, Family] = {
    "qwen35": _delta("qwen35", "delta_apart", DENSE),
    "qwen35moe": _delta("qwen35moe", "delta_apart", _DELTA_MOE),
    "qwen3next": _delta("qwen3next", "delta_joint", _DELTA_MOE),
    "kimi_linear": Family(
        "kimi-linear",
        mixers={"attention": ("latent_q", "latent_kv"), "recurrent": ("kda", "kda_low_rank")},
        ffns=MOE_BIASED_SHARED,
        schedule=block_pattern.periodic_and_last,
        metadata=("latent", "kimi_delta", "experts", "shared", "leading"),
    ),
    "bailing_hybrid": Family(
        "bailingmoe3",
        mixers={"attention": ("latent_q", "latent_kv", "head_gate"), "recurrent": ("kda", "kda_direct")},
        ffns=MOE_BIASED_SHARED,
        schedule=block_pattern.periodic,
        metadata=("latent", "kimi_delta", "experts", "shared", "leading"),
    ),
    "lfm2": Family(
        "lfm2",
        mixers={"attention": ("attention", "head_norms"), "recurrent": ("short_conv",)},
        schedule=block_pattern.spread_attention,
        top=_EMBEDDING_ONLY,
        metadata=("short_conv",),
    ),
    "lfm2moe": Family(
        "lfm2moe",
        mixers={"attention": ("attention", "head_norms"), "recurrent": ("short_conv",)},
        ffns=MOE_BIASED,
        schedule=block_pattern.spread_attention,
        top=_EMBEDDING_ONLY,
        metadata=("short_conv", "experts", "leading"),
    ),
    "granite_h": Family(
        "granitehybrid",
        mixers=_MAMBA2,
        ffns=MOE_SHARED,
        schedule=block_pattern.spread_attention,
        metadata=("mamba2", "experts", "expert_width", "shared_width"),
    ),
    "falcon_h1": Family(
        "falcon-h1",
        ("attn_norm", "ffn_norm_bare"),
        {"attention": ("mamba2", "attention")},
        metadata=("heads", "mamba2"),
    ),
    "nemotron_h": Family(
        "nemotron_h",
        ("attn_norm",),
        _SINGLE,
        {"none": (), "dense": ("plain",)},
        block_pattern.single,
        metadata=("heads", "mamba2"),
    ),
    "nemotron_h_moe": Family(
        "nemotron_h_moe",
        ("attn_norm",),
        _SINGLE,
        {
            "none": (),
            "moe": ("router", "selection_bias", "plain_experts", "plain_shared"),
            "latent": ("router", "selection_bias", "latent_experts", "plain_shared"),
        },
        block_pattern.single,
        metadata=("heads", "mamba2", "experts", "shared_width", "latent_experts"),
    ),
    "jamba": Family(
        "jamba",
        mixers={"attention": ("attention",), "recurrent": ("mamba", "mamba_norms")},
        ffns=MOE,
        schedule=block_pattern.spread_attention,
        metadata=("mamba", "experts"),
    ),
    "mamba": Family(
        "mamba", ("attn_norm",), {"recurrent": ("mamba",)}, {"none": ()}, block_pattern.recurrent, metadata=("mamba",)
    ),
    "mamba2": Family("mamba2", ("attn_norm",), _MAMBA2, {"none": ()}, block_pattern.recurrent, metadata=("mamba2",)),
}
