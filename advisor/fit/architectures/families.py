"""Layouts by the `arch` of a model's configuration: which pieces its blocks are made of, and llama.cpp's name for it.

Each row was written against the tensor requests of llama.cpp b11434 (`load_arch_tensors` of `src/models/*.cpp`). An
architecture that is not here, or that needs a fact its configuration does not give, is an unknown layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from advisor.fit.architectures import schedule
from advisor.fit.architectures.schedule import Schedule

Kinds = Mapping[str, tuple[str, ...]]

PRE_NORMS = ("attn_norm", "ffn_norm")
POST_NORMS = ("post_attention_norm", "post_ffw_norm")
DENSE: Kinds = {"dense": ("gated",)}
MOE: Kinds = {**DENSE, "moe": ("router", "experts")}
MOE_SHARED: Kinds = {**DENSE, "moe": ("router", "experts", "shared")}
MOE_BIASED: Kinds = {**DENSE, "moe": ("router", "selection_bias", "experts")}
MOE_BIASED_SHARED: Kinds = {**DENSE, "moe": ("router", "selection_bias", "experts", "shared")}
ATTENTION: Kinds = {"attention": ("attention",)}
NORMED: Kinds = {"attention": ("attention", "head_norms")}


@dataclass(frozen=True, slots=True)
class Family:
    """`always` stands in every block, `mixers` and `ffns` by the kinds that `schedule` deals out.

    `optional` maps a piece to the configuration field without which it is absent. `metadata` names groups of
    `metadata.GROUPS`.
    """

    gguf: str
    always: tuple[str, ...] = PRE_NORMS
    mixers: Kinds = field(default_factory=lambda: ATTENTION)
    ffns: Kinds = field(default_factory=lambda: DENSE)
    schedule: Schedule = schedule.decoder
    top: tuple[str, ...] = ("embedding", "final_norm")
    optional: Mapping[str, str] = field(default_factory=dict)
    metadata: tuple[str, ...] = ()
    causal: bool = True


def _gemma(gguf: str, mixers: Kinds) -> Family:
    return Family(gguf, PRE_NORMS + POST_NORMS, mixers, DENSE, schedule.windowed, metadata=("heads", "window"))


def _delta(gguf: str, projections: str, ffn: Kinds) -> Family:
    return Family(
        gguf,
        ("attn_norm", "post_attention_norm"),
        {"attention": ("gated_attention", "head_norms"), "recurrent": ("delta_net", projections)},
        ffn,
        schedule.periodic,
        metadata=("heads", "delta", "experts", "shared_width"),
    )


_MLA_FFN: Kinds = {**DENSE, "moe": ("router", "selection_bias", "experts", "shared")}
_DELTA_MOE: Kinds = {"moe": ("router", "experts", "shared_router", "shared")}
_MAMBA2: Kinds = {"recurrent": ("mamba2", "mamba2_norm"), "attention": ("attention",)}
_EMBEDDING_ONLY = ("embedding", "embedding_norm")
_BERT_TOP = ("embedding", "token_types", "positions", "embedding_norm", "embedding_norm_bias")

# Vision and embedding models whose text model is one of another name.
SAME_AS = {
    "mixtral": "llama",
    "llava": "llama",
    "smolvlm": "llama",
    "jina_embeddings_v5": "qwen3",
    "minicpmv": "qwen3",
    "interns1": "qwen3moe",
    "phi4-siglip": "phi3",
    "glm4v": "glm4",
    "exaone4_5": "exaone4",
    "lfm2_vl": "lfm2",
    "step3p7": "step3p5",
}

FAMILIES: dict[str, Family] = {
    # ---------------------------------------------------------------- dense decoders
    "llama": Family("llama", ffns=MOE, metadata=("heads", "experts")),
    "mistral3": Family("mistral3", metadata=("heads",)),
    "granite": Family("granite", metadata=("heads",)),
    "qwen2": Family("qwen2", mixers={"attention": ("attention", "qkv_bias")}),
    "mimo": Family("qwen2", mixers={"attention": ("attention", "qkv_bias")}, metadata=("heads",)),
    "seedoss": Family(
        "seed_oss",
        ("attn_norm", "post_attention_norm"),
        {"attention": ("attention", "qkv_bias")},
        metadata=("heads",),
    ),
    "qwen3": Family("qwen3", mixers=NORMED, metadata=("heads",)),
    "hunyuan": Family("hunyuan-dense", mixers=NORMED, metadata=("heads",)),
    "apertus": Family("apertus", mixers=NORMED, ffns={"dense": ("plain",)}, metadata=("heads",)),
    "exaone4": Family("exaone4", POST_NORMS, NORMED, schedule=schedule.windowed, metadata=("heads", "window")),
    "muse_glimmer": Family(
        "muse-glimmer",
        PRE_NORMS + POST_NORMS,
        {"attention": ("attention", "head_norms", "wide_gate")},
        schedule=schedule.windowed,
        metadata=("heads", "window"),
    ),
    "olmo2": Family(
        "olmo2",
        POST_NORMS,
        {"attention": ("attention", "wide_norms")},
        schedule=schedule.windowed,
        metadata=("window",),
    ),
    "cohere": Family("command-r", ("attn_norm",)),
    "cohere2": Family("cohere2", ("attn_norm",), schedule=schedule.windowed, metadata=("window",)),
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
        schedule=schedule.windowed,
        top=("embedding", "final_norm", "per_layer_embedding", "altup"),
        metadata=("heads", "window", "per_layer"),
    ),
    "gemma4": Family(
        "gemma4",
        (*PRE_NORMS, *POST_NORMS, "output_scale", "per_layer_input"),
        {"attention": ("attention", "head_norms"), "attention_without_v": ("attention_without_v", "head_norms")},
        {"dense": ("gated",), "moe": ("gated", "router", "joint_experts", "expert_norms")},
        schedule.gemma4,
        ("embedding", "final_norm", "per_layer_embedding", "rope_freqs"),
        {"per_layer_input": "ple_dim", "per_layer_embedding": "ple_dim"},
        ("global_heads", "window", "per_layer", "experts"),
    ),
    # ---------------------------------------------------------------- experts
    "qwen3moe": Family("qwen3moe", mixers=NORMED, ffns=MOE, metadata=("heads", "experts")),
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
    "hyv3": Family("hy_v3", mixers=NORMED, ffns=MOE_BIASED_SHARED, metadata=("heads", "experts", "shared", "leading")),
    "dots1": Family("dots1", mixers=NORMED, ffns=MOE_BIASED_SHARED, metadata=("heads", "experts", "shared", "leading")),
    "bailing_moe": Family(
        "bailingmoe2", mixers=NORMED, ffns=MOE_BIASED_SHARED, metadata=("heads", "experts", "shared", "leading")
    ),
    "ernie": Family(
        "ernie4_5-moe",
        ffns=MOE_BIASED_SHARED,
        optional={"shared": "n_shared"},
        metadata=("heads", "experts", "shared", "leading"),
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
        schedule.windowed,
        metadata=("heads", "window", "experts"),
    ),
    "mimo_v2": Family(
        "mimo2",
        mixers={"attention": ("attention", "sinks")},
        ffns=MOE_BIASED,
        schedule=schedule.windowed,
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
        schedule=schedule.windowed_after_full,
        metadata=("heads", "window", "experts", "shared_width", "leading"),
    ),
    "step3p5": Family(
        "step35",
        mixers={"attention": ("attention", "head_norms", "head_gate")},
        ffns=MOE_BIASED_SHARED,
        schedule=schedule.windowed_after_full,
        metadata=("heads", "window", "experts", "shared_width"),
    ),
    "afmoe": Family(
        "afmoe",
        PRE_NORMS + POST_NORMS,
        {"attention": ("attention", "head_norms", "wide_gate")},
        MOE_BIASED_SHARED,
        schedule.windowed,
        metadata=("heads", "window", "experts", "shared", "leading"),
    ),
    "cohere2_moe": Family(
        "cohere2moe",
        ("attn_norm",),
        ffns=MOE_SHARED,
        schedule=schedule.windowed,
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
        ffns=_MLA_FFN,
        metadata=("latent", "experts", "shared", "leading"),
    ),
    "deepseek_indexed": Family(
        "deepseek32",
        mixers={"attention": ("latent_q_low_rank", "latent_kv", "indexer")},
        ffns=_MLA_FFN,
        metadata=("latent", "indexer", "experts", "shared", "leading"),
    ),
    # ---------------------------------------------------------------- hybrids and recurrent models
    "qwen35": _delta("qwen35", "delta_apart", DENSE),
    "qwen35moe": _delta("qwen35moe", "delta_apart", _DELTA_MOE),
    "qwen3next": _delta("qwen3next", "delta_joint", _DELTA_MOE),
    "kimi_linear": Family(
        "kimi-linear",
        mixers={"attention": ("latent_q", "latent_kv"), "recurrent": ("kimi_delta",)},
        ffns=MOE_BIASED_SHARED,
        schedule=schedule.periodic_and_last,
        metadata=("latent", "kimi_delta", "experts", "shared", "leading"),
    ),
    "lfm2": Family(
        "lfm2",
        mixers={"attention": ("attention", "head_norms"), "recurrent": ("short_conv",)},
        schedule=schedule.counted,
        top=_EMBEDDING_ONLY,
        metadata=("short_conv",),
    ),
    "lfm2moe": Family(
        "lfm2moe",
        mixers={"attention": ("attention", "head_norms"), "recurrent": ("short_conv",)},
        ffns=MOE_BIASED,
        schedule=schedule.counted,
        top=_EMBEDDING_ONLY,
        metadata=("short_conv", "experts", "leading"),
    ),
    "granite_h": Family(
        "granitehybrid",
        mixers=_MAMBA2,
        ffns=MOE_SHARED,
        schedule=schedule.counted,
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
        {**_MAMBA2, "none": ()},
        {
            "none": (),
            "dense": ("plain",),
            "moe": ("router", "selection_bias", "plain_experts", "plain_shared"),
            "latent": ("router", "selection_bias", "latent_experts", "plain_shared"),
        },
        schedule.single,
        metadata=("heads", "mamba2", "experts", "shared_width"),
    ),
    "jamba": Family(
        "jamba",
        mixers={"attention": ("attention",), "recurrent": ("mamba", "mamba_norms")},
        ffns=MOE,
        schedule=schedule.counted,
        metadata=("mamba", "experts"),
    ),
    "mamba": Family(
        "mamba", ("attn_norm",), {"recurrent": ("mamba",)}, {"none": ()}, schedule.recurrent, metadata=("mamba",)
    ),
    "mamba2": Family("mamba2", ("attn_norm",), _MAMBA2, {"none": ()}, schedule.recurrent, metadata=("mamba2",)),
    # ---------------------------------------------------------------- encoders
    "bert": Family(
        "bert",
        ("bert_norms",),
        {"attention": ("attention", "qkv_bias", "attn_output_bias")},
        {"dense": ("plain", "plain_bias")},
        top=_BERT_TOP,
        causal=False,
    ),
    "nomic_bert": Family(
        "nomic-bert",
        ("bert_norms",),
        top=("embedding", "token_types", "embedding_norm", "embedding_norm_bias"),
        causal=False,
    ),
    "modernbert": Family(
        "modern-bert",
        ("ffn_norm",),
        {"attention": ("attn_norm", "fused_attention"), "first": ("fused_attention",)},
        {"dense": ("fused_gated",)},
        schedule.modern_bert,
        ("embedding", "embedding_norm", "final_norm"),
        metadata=("window",),
        causal=False,
    ),
}
