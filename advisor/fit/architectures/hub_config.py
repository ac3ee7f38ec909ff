"""Translates a published `config.json` to architecture facts (`catalog/data/schema/architecture.json`).

Nothing is guessed: values that the file leaves to its loader's defaults stay unstated (`tie`), and a model type missing
from the table below keeps its own name, so that its layout is unknown rather than wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.architectures.layer_types import pattern

# `model_type` of transformers -> `arch` here, when they differ. The text part's own type is tried first.
ARCH = {
    "mistral": "llama",
    "mixtral": "mixtral",
    "mistral3": "mistral3",
    "qwen3_moe": "qwen3moe",
    "qwen3_vl_text": "qwen3vl",
    "qwen3_vl_moe_text": "qwen3vlmoe",
    "qwen3_5_text": "qwen35",
    "qwen3_5_moe_text": "qwen35moe",
    "qwen3_next": "qwen35moe",
    "qwen2_5_vl_text": "qwen2vl",
    "qwen2_5_vl": "qwen2vl",
    "gemma3_text": "gemma3",
    "gemma3n_text": "gemma3n",
    "gemma4_text": "gemma4",
    "deepseek_v2": "deepseek",
    "deepseek_v3": "deepseek",
    "deepseek_v32": "deepseek",
    "kimi_k2": "deepseek",
    "glm_moe_dsa": "glm_dsa",
    "glm4_moe": "glm4moe",
    "glm4_moe_lite": "deepseek",
    "glm4v_moe_text": "glm4moe",
    "glm": "glm4old",
    "chatglm": "glm4old",
    "gpt_oss": "gptoss",
    "llama4_text": "llama4",
    "granitemoehybrid": "granite_h",
    "lfm2_moe": "lfm2moe",
    "ernie4_5_moe": "ernie",
    "ernie4_5": "llama",
    "hunyuan_v1_moe": "hunyuanmoe",
    "hunyuan_v1_dense": "hunyuan",
    "hy_v3": "hyv3",
    "seed_oss": "seedoss",
    "olmo3": "olmo2",
    "smollm3": "llama",
    "bailing_moe_v2": "bailing_moe",
    "mimo_v2_flash": "mimo_v2",
    "xlm-roberta": "bert",
    "kimi_k3": "kimi_k3",
}

# Fact -> field names in configurations; the first present counts.
NAMES: dict[str, tuple[str, ...]] = {
    "n_layers": ("num_hidden_layers", "num_layers", "n_layer", "n_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model"),
    "ffn": ("intermediate_size_mlp", "intermediate_size", "ffn_hidden_size", "n_inner", "block_ff_dim"),
    "n_heads": ("num_attention_heads", "n_head", "n_heads"),
    "n_kv_heads": ("num_key_value_heads", "multi_query_group_num"),
    "head_dim": ("head_dim", "attention_head_dim", "kv_channels"),
    "vocab": ("vocab_size", "padded_vocab_size"),
    "tie": ("tie_word_embeddings",),
    "max_ctx": ("max_position_embeddings", "n_positions", "seq_length", "max_sequence_length"),
    "n_experts": ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"),
    "n_experts_used": (
        *("num_experts_per_tok", "num_experts_per_token", "experts_per_token", "top_k_experts", "moe_topk", "moe_k"),
    ),
    "moe_ffn": ("moe_intermediate_size", "expert_ffn_hidden_size"),
    "moe_latent": ("moe_latent_size",),
    "n_shared": ("n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert"),
    "shared_ffn": (
        *("shared_expert_intermediate_size", "moe_shared_expert_intermediate_size", "shared_intermediate_size"),
        "share_expert_dim",
    ),
    "first_dense": ("first_k_dense_replace", "num_dense_layers", "moe_layer_start_index"),
    "moe_step": ("interleave_moe_layer_step",),
    "q_lora_rank": ("q_lora_rank",),
    "kv_lora_rank": ("kv_lora_rank",),
    "qk_rope_head_dim": ("qk_rope_head_dim",),
    "qk_nope_head_dim": ("qk_nope_head_dim",),
    "v_head_dim": ("v_head_dim",),
    "linear_conv_kernel": ("linear_conv_kernel_dim",),
    "linear_key_head_dim": ("linear_key_head_dim",),
    "linear_value_head_dim": ("linear_value_head_dim",),
    "linear_num_key_heads": ("linear_num_key_heads",),
    "linear_num_value_heads": ("linear_num_value_heads",),
    "conv_kernel": ("mamba_d_conv", "conv_kernel", "conv_L_cache"),
    "mamba_n_heads": ("mamba_n_heads", "mamba_num_heads"),
    "mamba_head_dim": ("mamba_d_head", "mamba_head_dim"),
    "mamba_n_groups": ("mamba_n_groups", "n_groups"),
    "mamba_state": ("mamba_d_state", "ssm_state_size"),
    "mamba_dt_rank": ("mamba_dt_rank",),
    "global_head_dim": ("global_head_dim",),
    "n_global_kv_heads": ("num_global_key_value_heads",),
    "k_eq_v": ("attention_k_eq_v",),
    "ple_dim": ("hidden_size_per_layer_input",),
    "ple_vocab": ("vocab_size_per_layer_input",),
    "kv_shared_layers": ("num_kv_shared_layers",),
    "swa_n_kv_heads": ("swa_num_key_value_heads",),
    "qk_norm": ("use_qk_norm",),
    "mtp": ("num_nextn_predict_layers", "mtp_num_hidden_layers"),
    "attn_gate": ("attn_output_gate",),
}
STATED = ("n_layers", "hidden", "n_heads", "n_kv_heads", "head_dim", "vocab", "tie", "max_ctx")  # null when unstated
NEEDED = {"hidden": "hidden_size", "vocab": "vocab_size"}
BOOLEAN = frozenset({"tie", "k_eq_v", "qk_norm", "attn_gate"})
# Facts of every model of an architecture that no configuration states.
IMPLIED: dict[str, dict[str, Any]] = {"llama4": {"n_shared": 1, "full_attn_every": 4, "sliding_kind": "chunked"}}
# Loader defaults for types whose files are known to omit them (transformers 4.50, Gemma3TextConfig).
DEFAULTS: dict[str, dict[str, Any]] = {
    "gemma3_text": {
        "vocab_size": 262_208,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "max_position_embeddings": 131_072,
        "sliding_window_pattern": 6,
        "tie_word_embeddings": True,
    }
}
EXPERTS_OF_FFN_WIDTH = frozenset(
    {"mixtral", "gptoss", "minimax_m2", "olmoe", "phimoe", "llama4", "granite_h", "hunyuanmoe", "jamba"}
)
LINEAR = {
    "linear_head_dim": "head_dim",
    "linear_num_heads": "num_heads",
    "linear_conv_kernel": "short_conv_kernel_size",
}
ONLY_OF = {"attn_gate": ("qwen35", "qwen35moe"), "qk_norm": ("glm4moe",)}
BESIDE = {  # meaningful only when the other is present
    "ple_vocab": "ple_dim",
    "n_global_kv_heads": "k_eq_v",
    **dict.fromkeys(("n_experts_used", "moe_ffn", "n_shared", "first_dense", "moe_step"), "n_experts"),
}
ABSENT_AT_ZERO = frozenset(
    {"mtp", "ple_dim", "kv_shared_layers", "shared_ffn", "n_shared", "n_experts", "k_eq_v", "attn_gate"}
)
TEXT_PARTS = ("text_config", "llm_config")
LARGEST = 1 << 40

# `quantization_config.quant_method` values with a matching ggml type, so that a conversion keeps the experts as they
# are.
EXPERT_TYPES = frozenset({"mxfp4"})


def hub_facts(config: Mapping[str, Any]) -> dict[str, Any]:
    """Architecture facts of one `config.json`, for a multimodal model those of its text part.

    Raises:
        UnknownLayout: when it is not a language model's configuration, or states an impossible value; one sentence.
    """
    text = next((config[key] for key in TEXT_PARTS if isinstance(config.get(key), Mapping)), config)
    kind = text.get("model_type") or config.get("model_type")
    if not isinstance(kind, str):
        raise UnknownLayout("The configuration does not say its model_type.")
    outer = {key: config[key] for key in ("tie_word_embeddings",) if key in config}
    given = DEFAULTS.get(kind, {}) | outer | dict(text)
    arch = ARCH.get(kind) or ARCH.get(str(config.get("model_type"))) or kind
    found: dict[str, Any] = {"arch": arch, **_stated(given)}
    for fact, key in NEEDED.items():
        if not found.get(fact):
            raise UnknownLayout(f"The configuration does not say {key}.")
    _imply(found, given, arch)
    if found.get("n_experts") and not (found.get("n_experts_used") and found.get("moe_ffn")):
        raise UnknownLayout("The configuration does not say how many experts a token uses, or how wide they are.")
    found |= pattern(given, found) | IMPLIED.get(arch, {})
    scaling = given.get("rope_scaling") or given.get("rope_parameters")  # the latter since transformers 5
    if isinstance(scaling, Mapping) and arch != "llama4":
        found |= _rope(scaling)
    if given.get("index_topk"):
        found["dsa_indexer"] = _indexer(given)
    vision = config.get("vision_config")
    if isinstance(vision, Mapping):
        found["vision"] = True
        if isinstance(vision.get("deepstack_visual_indexes"), list):
            found["deepstack_layers"] = len(vision["deepstack_visual_indexes"])
    stored = config.get("quantization_config")
    if found.get("n_experts") and isinstance(stored, Mapping) and stored.get("quant_method") in EXPERT_TYPES:
        found["expert_type"] = stored["quant_method"]
    return {key: found.get(key) for key in ("arch", *STATED)} | {k: v for k, v in found.items() if v is not None}


def _stated(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for fact, names in NAMES.items():
        key = next((name for name in names if given.get(name) is not None), None)
        if key is None:
            continue
        value = given[key]
        if fact in BOOLEAN:
            if not isinstance(value, bool):
                raise UnknownLayout(f"The configuration's {key} must be true or false.")
            found[fact] = value
        elif value != "auto":  # mamba_dt_rank
            found[fact] = _whole(key, value[0] if isinstance(value, list) and value else value)
    return found


def _whole(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise UnknownLayout(f"The configuration's {key} must be a whole number from 0 to {LARGEST}.")
    return value


def _imply(found: dict[str, Any], given: Mapping[str, Any], arch: str) -> None:
    """Adds facts implied by a missing field, and drops stated ones that do not apply to this architecture."""
    heads, latent = found.get("n_heads"), found.get("kv_lora_rank")
    found.setdefault("n_kv_heads", heads)
    if latent:
        found["head_dim"] = None  # keys and values have widths of their own
    elif heads and not found.get("head_dim"):
        found["head_dim"] = found["hidden"] // heads
    if arch in EXPERTS_OF_FFN_WIDTH and found.get("n_experts"):
        width = given.get("intermediate_size")
        found.setdefault("moe_ffn", None if width is None else _whole("intermediate_size", width))
    linear = given.get("linear_attn_config")
    if isinstance(linear, Mapping):
        found |= {fact: _whole(key, linear.get(key)) for fact, key in LINEAR.items()}
    for name in [name for name, value in found.items() if _is_void(name, value, found, arch)]:
        del found[name]


def _is_void(name: str, value: Any, found: Mapping[str, Any], arch: str) -> bool:
    """Whether a stated value is meaningless here: false or zero, for another architecture, or without its companion."""
    if name == "v_head_dim":
        return not found.get("kv_lora_rank") and arch != "mimo_v2"
    return (
        (name in ABSENT_AT_ZERO and not value)
        or (name in ONLY_OF and arch not in ONLY_OF[name])
        or (name in BESIDE and not found.get(BESIDE[name]))
    )


def _indexer(given: Mapping[str, Any]) -> dict[str, Any]:
    """Widths of the indexer, and the blocks with one of their own when the others share it."""
    names = {"n_heads": "index_n_heads", "head_dim": "index_head_dim", "topk": "index_topk"}
    found: dict[str, Any] = {name: _whole(key, given.get(key)) for name, key in names.items()}
    kinds = given.get("indexer_types")
    if isinstance(kinds, list) and "shared" in kinds:
        found["layers"] = [i for i, kind in enumerate(kinds) if kind == "full"]
    return found


def _rope(scaling: Mapping[str, Any]) -> dict[str, Any]:
    kind = scaling.get("rope_type") or scaling.get("type")
    stated = {
        "rope_type": kind,
        "factor": scaling.get("factor"),
        "original": scaling.get("original_max_position_embeddings"),
    }
    return {"rope_scaling": stated} if kind in ("llama3", "yarn") else {}
