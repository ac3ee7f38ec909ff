"""Named dimensions for layout tables, computed from a model's configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class UnknownLayout(Exception):
    """The tensors of this model cannot be listed; one sentence says why. Such a model is never planned."""


FIELDS = {
    "layers": "n_layers",
    "embd": "hidden",
    "vocab": "vocab",
    "context": "max_ctx",
    "heads": "n_heads",
    "kv_heads": "n_kv_heads",
    "ff": "ffn",
    "experts": "n_experts",
    "used": "n_experts_used",
    "expert_ff": "moe_ffn",
    "latent": "moe_latent",
    "window": "sliding_window",
    "q_rank": "q_lora_rank",
    "kv_rank": "kv_lora_rank",
    "rope": "qk_rope_head_dim",
    "nope": "qk_nope_head_dim",
    "kernel": "conv_kernel",
    "ssm_heads": "mamba_n_heads",
    "ssm_head": "mamba_head_dim",
    "ssm_groups": "mamba_n_groups",
    "ssm_state": "mamba_state",
    "delta_kernel": "linear_conv_kernel",
    "delta_keys": "linear_num_key_heads",
    "delta_values": "linear_num_value_heads",
    "delta_key": "linear_key_head_dim",
    "delta_value": "linear_value_head_dim",
    "kda_heads": "linear_num_heads",
    "kda_head": "linear_head_dim",
    "per_layer": "ple_dim",
    "swa_kv_rank": "swa_kv_lora_rank",
    "swa_nope": "swa_qk_nope_head_dim",
    "swa_mla_v": "swa_v_head_dim",
}


def is_roberta(architecture: dict[str, Any]) -> bool:
    context = int(architecture.get("max_ctx") or 0)
    return context > 2 and (context - 2) & (context - 3) == 0


class Symbols(dict[str, int]):
    """Dimensions of one block by name, computed on first use; a number in a table stands for itself."""

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__()
        self.facts = facts

    def fact(self, field: str) -> Any:
        return self.facts.get(field)

    def need(self, field: str) -> Any:
        value = self.facts.get(field)
        if value is None:
            raise UnknownLayout(f"The configuration of this {self.facts.get('arch')} model does not say {field}.")
        return value

    def __missing__(self, name: str) -> int:
        if name.isdigit():
            value = int(name)
        elif name in FIELDS:
            value = int(self.need(FIELDS[name]))
        else:
            value = int(DERIVED[name](self))
        self[name] = value
        return value


# One matrix dimension each; the keys are the names used in the tables of `tensors`.
DERIVED: dict[str, Callable[[Symbols], int]] = {
    "head": lambda s: s.fact("head_dim") or s["embd"] // s["heads"],
    "v_head": lambda s: s.fact("v_head_dim") or s["head"],
    "q": lambda s: s["heads"] * s["head"],
    "q_gated": lambda s: 2 * s["q"],
    "k": lambda s: s["kv_heads"] * s["head"],
    "v": lambda s: s["kv_heads"] * s["v_head"],
    "qkv": lambda s: s["q"] + s["k"] + s["v"],
    "attn_out": lambda s: s["heads"] * s["v_head"],
    "half_head": lambda s: (s.fact("global_head_dim") or s["head"]) // 2,
    "embd3": lambda s: 3 * s["embd"],
    "ff2": lambda s: 2 * s["ff"],
    "expert_ff2": lambda s: 2 * s["expert_ff"],
    "shared_ff": lambda s: s.fact("shared_ffn") or s["shared_count"] * s["expert_ff"],
    "shared_count": lambda s: s.need("n_shared"),
    # multi-head latent attention: one key of kv_rank + rope values for all heads, DeepSeek-V2 section 2.1
    "mla_q": lambda s: s["heads"] * s["mla_k"],
    "mla_kv": lambda s: s["kv_rank"] + s["rope"],
    "mla_v": lambda s: s.need("v_head_dim"),
    "mla_k": lambda s: s["nope"] + s["rope"],
    "mla_out": lambda s: s["heads"] * s["mla_v"],
    "swa_mla_kv": lambda s: s["swa_kv_rank"] + s["rope"],
    "swa_mla_k": lambda s: s["swa_nope"] + s["rope"],
    "index_heads": lambda s: s.need("dsa_indexer")["n_heads"],
    "index_head": lambda s: s.need("dsa_indexer")["head_dim"],
    "index_q": lambda s: s["index_heads"] * s["index_head"],
    # Mamba-2: in_proj outputs z, x, B, C and dt side by side
    "ssm_inner": lambda s: s["ssm_heads"] * s["ssm_head"],
    "ssm_conv": lambda s: s["ssm_inner"] + 2 * s["ssm_groups"] * s["ssm_state"],
    "ssm_in": lambda s: s["ssm_inner"] + s["ssm_conv"] + s["ssm_heads"],
    "ssm_group": lambda s: s["ssm_inner"] // s["ssm_groups"],
    # Mamba-1 has no heads: the inner width and the rank of the time step are stated directly
    "mamba_inner": lambda s: s.need("mamba_inner"),
    "mamba_in": lambda s: 2 * s["mamba_inner"],
    "mamba_rank": lambda s: s.need("mamba_dt_rank"),
    "mamba_x": lambda s: s["mamba_rank"] + 2 * s["ssm_state"],
    # gated delta net of Qwen3-Next and later
    "delta_inner": lambda s: s["delta_values"] * s["delta_value"],
    "delta_qkv": lambda s: 2 * s["delta_keys"] * s["delta_key"] + s["delta_inner"],
    "delta_values2": lambda s: 2 * s["delta_values"],
    "kda": lambda s: s["kda_heads"] * s["kda_head"],
    "per_layer_all": lambda s: s["per_layer"] * s["layers"],
    # a text-only table is padded to the vocabulary that includes image and audio tokens (`conversion/gemma.py`)
    "per_layer_vocab": lambda s: max(s.need("ple_vocab"), s["vocab"]),
    # RoBERTa reserves its first two positions for padding, and the converter drops them
    "positions": lambda s: s["context"] - 2 if is_roberta(s.facts) else s["context"],
    "token_kinds": lambda s: 1 if is_roberta(s.facts) else 2,
}
