"""Layouts of decoders with attention and one feed-forward path in every block."""

from __future__ import annotations

from advisor.fit.architectures import block_pattern
from advisor.fit.architectures.family import ATTENTION, DENSE, MOE, NORMED, POST_NORMS, PRE_NORMS, Family, Kinds


def _gemma(gguf: str, mixers: Kinds) -> Family:
    return Family(gguf, PRE_NORMS + POST_NORMS, mixers, DENSE, block_pattern.windowed, metadata=("heads", "window"))


DENSE_DECODERS: dict[str, Family] = {
    "llama": Family("llama", ffns=MOE, metadata=("heads", "experts")),
    "mistral3": Family("mistral3", metadata=("heads",)),
    "granite": Family("granite", metadata=("heads",)),
    "qwen2": Family("qwen2", mixers={"attention": ("attention", "qkv_bias")}),
    "qwen2vl": Family("qwen2vl", mixers={"attention": ("attention", "qkv_bias")}),
    "mimo": Family("qwen2", mixers={"attention": ("attention", "qkv_bias")}, metadata=("heads",)),
    "seedoss": Family(
        "seed_oss",
        ("attn_norm", "post_attention_norm"),
        {"attention": ("attention", "qkv_bias")},
        metadata=("heads",),
    ),
    "qwen3": Family("qwen3", mixers=NORMED, metadata=("heads",)),
    "qwen3vl": Family("qwen3vl", mixers=NORMED, metadata=("heads", "deepstack")),
    "hunyuan": Family("hunyuan-dense", mixers=NORMED, metadata=("heads",)),
    "apertus": Family("apertus", mixers=NORMED, ffns={"dense": ("plain",)}, metadata=("heads",)),
    "exaone4": Family("exaone4", POST_NORMS, NORMED, schedule=block_pattern.windowed, metadata=("heads", "window")),
    "muse_glimmer": Family(
        "muse-glimmer",
        PRE_NORMS + POST_NORMS,
        {"attention": ("attention", "head_norms", "wide_gate")},
        schedule=block_pattern.windowed,
        metadata=("heads", "window"),
    ),
    "olmo2": Family(
        "olmo2",
        POST_NORMS,
        {"attention": ("attention", "wide_norms")},
        schedule=block_pattern.windowed,
        metadata=("window",),
    ),
    "cohere": Family("command-r", ("attn_norm",)),
    "cohere2": Family("cohere2", ("attn_norm",), schedule=block_pattern.windowed, metadata=("window",)),
    "cohereqk": Family("command-r", ("attn_norm",), {"attention": ("attention", "per_head_norms")}),
    "phi3": Family("phi3", ffns={"dense": ("fused_gated",)}, metadata=("rope_head",)),
    "glm4": Family("glm4", PRE_NORMS + POST_NORMS, ffns={"dense": ("fused_gated",)}),
    "glm4old": Family("chatglm", mixers={"attention": ("attention", "qkv_bias")}, ffns={"dense": ("fused_gated",)}),
    "starcoder2": Family(
        "starcoder2",
        (*PRE_NORMS, "attn_norm_bias", "ffn_norm_bias"),
        {"attention": ("attention", "qkv_bias", "attn_output_bias")},
        {"dense": ("plain", "plain_bias")},
        top=("embedding", "final_norm", "final_norm_bias"),
    ),
    # ---------------------------------------------------------------- Gemma
    "gemma2": _gemma("gemma2", ATTENTION),
    "gemma3": _gemma("gemma3", NORMED),
    "gemma3n": Family(
        "gemma3n",
        (*PRE_NORMS, *POST_NORMS, "per_layer_input", "altup_block"),
        NORMED,
        schedule=block_pattern.windowed,
        top=("embedding", "final_norm", "per_layer_embedding", "altup"),
        metadata=("heads", "window", "per_layer"),
    ),
    "gemma4": Family(
        "gemma4",
        (*PRE_NORMS, *POST_NORMS, "output_scale", "per_layer_input"),
        {"attention": ("attention", "head_norms"), "attention_without_v": ("attention_without_v", "head_norms")},
        {"dense": ("gated",), "moe": ("gated", "router", "joint_experts", "expert_norms")},
        block_pattern.gemma4,
        ("embedding", "final_norm", "per_layer_embedding", "rope_freqs"),
        {"per_layer_input": "ple_dim", "per_layer_embedding": "ple_dim"},
        ("global_heads", "window", "per_layer", "experts"),
    ),
}
