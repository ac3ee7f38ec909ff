"""Rebuilds the parts of a config.json that vLLM reads from the architecture facts in the catalog.

The inverse of `fit.architectures.hub_config`. Raises for models whose facts leave open what vLLM depends on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.fit.architectures.block_pattern import windows
from advisor.fit.architectures.dimensions import UnknownLayout as Unsaid
from advisor.fit.engines.vllm.config import UnknownConfig

# Fact -> config.json field, by the name that vLLM looks up first.
FIELDS = {
    "n_layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "ffn": "intermediate_size",
    "n_heads": "num_attention_heads",
    "n_kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "vocab": "vocab_size",
    "tie": "tie_word_embeddings",
    "max_ctx": "max_position_embeddings",
    "n_experts": "num_experts",
    "n_experts_used": "num_experts_per_tok",
    "moe_ffn": "moe_intermediate_size",
    "n_shared": "n_shared_experts",
    "shared_ffn": "shared_expert_intermediate_size",
    "first_dense": "first_k_dense_replace",
    "moe_step": "interleave_moe_layer_step",
    "q_lora_rank": "q_lora_rank",
    "kv_lora_rank": "kv_lora_rank",
    "qk_rope_head_dim": "qk_rope_head_dim",
    "qk_nope_head_dim": "qk_nope_head_dim",
    "v_head_dim": "v_head_dim",
    "linear_conv_kernel": "linear_conv_kernel_dim",
    "linear_key_head_dim": "linear_key_head_dim",
    "linear_value_head_dim": "linear_value_head_dim",
    "linear_num_key_heads": "linear_num_key_heads",
    "linear_num_value_heads": "linear_num_value_heads",
    "full_attn_every": "full_attention_interval",
    "layer_kinds": "hybrid_override_pattern",
    "moe_latent": "moe_latent_size",
}
# Fields that an architecture names differently; None: a fact that its configurations do not have.
EXPERTS_ALONE: dict[str, str | None] = {"moe_ffn": "intermediate_size", "ffn": None}
OWN_FIELDS: dict[str, dict[str, str | None]] = {
    "llama4": {"ffn": "intermediate_size_mlp", "moe_ffn": "intermediate_size"},
    "nemotron_h": {
        "mamba_n_heads": "mamba_num_heads",
        "mamba_head_dim": "mamba_head_dim",
        "mamba_n_groups": "n_groups",
        "mamba_state": "ssm_state_size",
        "conv_kernel": "conv_kernel",
        "shared_ffn": "moe_shared_expert_intermediate_size",
    },
    "mixtral": EXPERTS_ALONE,
    "minimax_m2": EXPERTS_ALONE,
    "gptoss": EXPERTS_ALONE,
}
# Values that all published configurations of an architecture share and the catalog does not store.
SAID = {kind: {"mamba_ssm_dtype": "float32"} for kind in ("qwen35", "qwen35moe")}
# `arch` of the catalog -> (vLLM model class, model type).
CLASSES = {
    "llama": ("LlamaForCausalLM", "llama"),
    "qwen2": ("Qwen2ForCausalLM", "qwen2"),
    "qwen3": ("Qwen3ForCausalLM", "qwen3"),
    "qwen3moe": ("Qwen3MoeForCausalLM", "qwen3_moe"),
    "qwen2vl": ("Qwen2ForCausalLM", "qwen2"),  # text model only; the overhead range covers the vision tower
    "qwen3vl": ("Qwen3ForCausalLM", "qwen3"),
    "qwen3vlmoe": ("Qwen3MoeForCausalLM", "qwen3_moe"),
    "qwen35": ("Qwen3_5ForCausalLM", "qwen3_5_text"),
    "qwen35moe": ("Qwen3_5MoeForCausalLM", "qwen3_5_moe_text"),
    "gemma2": ("Gemma2ForCausalLM", "gemma2"),
    "gemma3": ("Gemma3ForCausalLM", "gemma3_text"),
    "deepseek": ("DeepseekV3ForCausalLM", "deepseek_v3"),
    "glm_dsa": ("GlmMoeDsaForCausalLM", "glm_moe_dsa"),
    "glm4": ("Glm4ForCausalLM", "glm4"),
    "glm4moe": ("Glm4MoeForCausalLM", "glm4_moe"),
    "olmo2": ("Olmo3ForCausalLM", "olmo3"),
    "cohere": ("Cohere2ForCausalLM", "cohere2"),
    "granite": ("GraniteForCausalLM", "granite"),
    "minimax_m2": ("MiniMaxM2ForCausalLM", "minimax_m2"),
    "bailing_moe": ("BailingMoeV2ForCausalLM", "bailing_moe_v2"),
    "ernie": ("Ernie4_5_MoeForCausalLM", "ernie4_5_moe"),
    "mixtral": ("MixtralForCausalLM", "mixtral"),
    "exaone4": ("Exaone4ForCausalLM", "exaone4"),
    "gptoss": ("GptOssForCausalLM", "gpt_oss"),
    "seedoss": ("SeedOssForCausalLM", "seed_oss"),
    "llama4": ("Llama4ForCausalLM", "llama4_text"),
    "nemotron_h": ("NemotronHForCausalLM", "nemotron_h"),
    "phi3": ("Phi3ForCausalLM", "phi3"),
    "apertus": ("ApertusForCausalLM", "apertus"),
    "hunyuanmoe": ("HunYuanMoEV1ForCausalLM", "hunyuan_v1_moe"),
    "hunyuan": ("HunYuanDenseV1ForCausalLM", "hunyuan_v1_dense"),
    "olmoe": ("OlmoeForCausalLM", "olmoe"),
    "phimoe": ("PhiMoEForCausalLM", "phimoe"),
    "starcoder2": ("Starcoder2ForCausalLM", "starcoder2"),
    "mistral3": ("Mistral3ForConditionalGeneration", "ministral3"),
    "hyv3": ("HYV3ForCausalLM", "hy_v3"),
}
SPARSE = ("DeepseekV32ForCausalLM", "deepseek_v32")  # with an indexer
# Type of the published weights -> quantization_config.
STORED: dict[str, dict[str, Any] | None] = {
    "bf16": None,
    "fp16": None,
    "fp8": {"quant_method": "fp8", "weight_block_size": [128, 128]},
    "mxfp4 (experts) + bf16": {"quant_method": "mxfp4"},
}


def config_of(architecture: Mapping[str, Any], native: str, length: int | None = None) -> dict[str, Any]:
    """A config.json; `native` is the type of the published weights, `length` the model's context.

    Raises UnknownConfig with one sentence.
    """
    arch = architecture.get("arch")
    known = SPARSE if arch == "deepseek" and architecture.get("dsa_indexer") else CLASSES.get(str(arch))
    if known is None:
        raise UnknownConfig("The catalog does not say of this architecture what vLLM keeps in its layers.")
    if native not in STORED:
        raise UnknownConfig(f"How vLLM loads weights published as {native or 'a type not known'} is not known here.")
    config: dict[str, Any] = {"architectures": [known[0]], "model_type": known[1]}
    config |= {"sliding_window": None, "use_sliding_window": False}  # some types default to a window
    fields = FIELDS | OWN_FIELDS.get(str(arch), {})
    config |= {name: architecture[fact] for fact, name in fields.items() if name and architecture.get(fact) is not None}
    config |= SAID.get(str(arch), {})
    if length:
        config["max_position_embeddings"] = length
    if indexer := architecture.get("dsa_indexer"):
        config |= {f"index_{key}": value for key, value in indexer.items() if key != "layers"}
        if own := indexer.get("layers"):  # the others reuse the selection of an earlier layer
            config["indexer_types"] = ["full" if i in own else "shared" for i in range(architecture["n_layers"])]
    if architecture.get("sliding_window"):
        config |= _windowed(architecture)
    if stored := STORED[native]:
        config["quantization_config"] = stored
    return config


def _windowed(architecture: Mapping[str, Any]) -> dict[str, Any]:
    window = architecture["sliding_window"]
    if architecture.get("sliding_kind") == "chunked":
        return {"attention_chunk_size": window, "no_rope_layer_interval": architecture.get("full_attn_every")}
    try:
        windowed = windows(dict(architecture))
    except Unsaid as error:
        raise UnknownConfig(str(error)) from error
    types = ["sliding_attention" if is_windowed else "full_attention" for is_windowed in windowed]
    return {"sliding_window": window, "use_sliding_window": True, "layer_types": types}
