"""Tensors of each piece of a block: name, then dimensions in ggml order (row length first) by name (`dimensions`).

Names are llama.cpp's (`src/llama-arch.cpp`, build b11434) without `blk.N.` and `.weight`; a name that ends in `!` is
stored without `.weight`. Query, key and value are separate, as llama.cpp's loader requests them.
"""

from __future__ import annotations

Row = tuple[str, tuple[str, ...]]

_TABLES = {
    # ---------------------------------------------------------------- outside the blocks
    "embedding": "token_embd embd vocab",
    "final_norm": "output_norm embd",
    "final_norm_bias": "output_norm.bias embd",
    "head": "output embd vocab",
    "head_bias": "output.bias vocab",
    "embedding_norm": "token_embd_norm embd",
    "embedding_norm_bias": "token_embd_norm.bias embd",
    "token_types": "token_types embd token_kinds",
    "positions": "position_embd embd positions",
    "rope_freqs": "rope_freqs half_head",
    "rope_factors": "rope_factors_long half_head; rope_factors_short half_head",
    "per_layer_embedding": """
        per_layer_token_embd per_layer_all per_layer_vocab; per_layer_model_proj embd per_layer_all
        per_layer_proj_norm per_layer""",
    "altup": "altup_proj embd embd 3; altup_unembd_proj embd embd 3",
    # ---------------------------------------------------------------- norms
    "attn_norm": "attn_norm embd",
    "attn_norm_bias": "attn_norm.bias embd",
    "ffn_norm": "ffn_norm embd",
    "ffn_norm_bias": "ffn_norm.bias embd",
    "ffn_norm_bare": "ffn_norm! embd",
    "post_attention_norm": "post_attention_norm embd",
    "post_ffw_norm": "post_ffw_norm embd",
    "bert_norms": """
        attn_output_norm embd; attn_output_norm.bias embd; layer_output_norm embd; layer_output_norm.bias embd""",
    # ---------------------------------------------------------------- attention
    "attention": "attn_q embd q; attn_k embd k; attn_v embd v; attn_output attn_out embd",
    "attention_without_v": "attn_q embd q; attn_k embd k; attn_output attn_out embd",
    "gated_attention": "attn_q embd q_gated; attn_k embd k; attn_v embd v; attn_output attn_out embd",
    "fused_attention": "attn_qkv embd embd3; attn_output embd embd",
    "fused_grouped_attention": "attn_qkv embd qkv; attn_output attn_out embd",
    "qkv_bias": "attn_q.bias q; attn_k.bias k; attn_v.bias v",
    "attn_output_bias": "attn_output.bias embd",
    "head_norms": "attn_q_norm head; attn_k_norm head",
    "wide_norms": "attn_q_norm q; attn_k_norm k",
    "per_head_norms": "attn_q_norm head heads; attn_k_norm head kv_heads",
    "sinks": "attn_sinks heads",
    "head_gate": "attn_gate embd heads",
    "wide_gate": "attn_gate embd q",
    "latent_q": "attn_q embd mla_q",
    "latent_q_low_rank": "attn_q_a embd q_rank; attn_q_a_norm q_rank; attn_q_b q_rank mla_q",
    "latent_kv": """
        attn_kv_a_mqa embd mla_kv; attn_kv_a_norm kv_rank
        attn_k_b nope kv_rank heads; attn_v_b kv_rank mla_v heads; attn_output mla_out embd""",
    "rope_norm": "attn_k_norm rope",
    "indexer": """
        indexer.k_norm index_head; indexer.k_norm.bias index_head; indexer.proj embd index_heads
        indexer.attn_k embd index_head; indexer.attn_q_b q_rank index_q""",
    # ---------------------------------------------------------------- recurrent mixers
    "mamba": """
        ssm_in embd mamba_in; ssm_conv1d kernel mamba_inner; ssm_conv1d.bias mamba_inner; ssm_x mamba_inner mamba_x
        ssm_dt mamba_rank mamba_inner; ssm_dt.bias mamba_inner; ssm_a! ssm_state mamba_inner; ssm_d! mamba_inner
        ssm_out mamba_inner embd""",
    "mamba_norms": "ssm_dt_norm mamba_rank; ssm_b_norm ssm_state; ssm_c_norm ssm_state",
    "mamba2": """
        ssm_in embd ssm_in; ssm_conv1d kernel ssm_conv; ssm_conv1d.bias ssm_conv; ssm_dt.bias ssm_heads
        ssm_a! 1 ssm_heads; ssm_d! 1 ssm_heads; ssm_out ssm_inner embd""",
    "mamba2_norm": "ssm_norm ssm_group ssm_groups",
    "short_conv": """
        shortconv.conv kernel embd; shortconv.in_proj embd embd3; shortconv.out_proj embd embd""",
    "delta_net": """
        attn_qkv embd delta_qkv; attn_gate embd delta_inner; ssm_conv1d delta_kernel delta_qkv
        ssm_dt.bias delta_values; ssm_a! delta_values; ssm_norm delta_value; ssm_out delta_inner embd""",
    "delta_joint": "ssm_ba embd delta_values2",
    "delta_apart": "ssm_beta embd delta_values; ssm_alpha embd delta_values",
    "kda": """
        ssm_conv1d_q delta_kernel 1 kda; ssm_conv1d_k delta_kernel 1 kda; ssm_conv1d_v delta_kernel 1 kda
        attn_q embd kda; attn_k embd kda; attn_v embd kda; ssm_beta embd kda_heads; ssm_a! 1 kda_heads
        ssm_dt.bias kda; ssm_norm kda_head; attn_output kda embd""",
    "kda_low_rank": "ssm_f_a embd kda_head; ssm_f_b kda_head kda; ssm_g_a embd kda_head; ssm_g_b kda_head kda",
    "kda_direct": "ssm_f_a embd kda; ssm_g_a embd kda",
    # ---------------------------------------------------------------- feed-forward
    "gated": "ffn_gate embd ff; ffn_up embd ff; ffn_down ff embd",
    "fused_gated": "ffn_up embd ff2; ffn_down ff embd",
    "plain": "ffn_up embd ff; ffn_down ff embd",
    "plain_bias": "ffn_up.bias ff; ffn_down.bias embd",
    "router": "ffn_gate_inp embd experts",
    "router_bias": "ffn_gate_inp.bias experts",
    "selection_bias": "exp_probs_b.bias experts",
    "selection_bias_bare": "exp_probs_b! experts",
    "experts": """
        ffn_gate_exps embd expert_ff experts; ffn_up_exps embd expert_ff experts
        ffn_down_exps expert_ff embd experts""",
    "experts_bias": """
        ffn_gate_exps.bias expert_ff experts; ffn_up_exps.bias expert_ff experts; ffn_down_exps.bias embd experts""",
    "joint_experts": "ffn_gate_up_exps embd expert_ff2 experts; ffn_down_exps expert_ff embd experts",
    "plain_experts": "ffn_up_exps embd expert_ff experts; ffn_down_exps expert_ff embd experts",
    "latent_experts": """
        ffn_latent_down embd latent; ffn_latent_up latent embd
        ffn_up_exps latent expert_ff experts; ffn_down_exps expert_ff latent experts""",
    "shared": "ffn_gate_shexp embd shared_ff; ffn_up_shexp embd shared_ff; ffn_down_shexp shared_ff embd",
    "plain_shared": "ffn_up_shexp embd shared_ff; ffn_down_shexp shared_ff embd",
    "shared_router": "ffn_gate_inp_shexp embd",
    "expert_norms": """
        ffn_gate_inp.scale embd; ffn_down_exps.scale experts
        pre_ffw_norm_2 embd; post_ffw_norm_1 embd; post_ffw_norm_2 embd""",
    # ---------------------------------------------------------------- per-layer inputs of Gemma 3n and 4
    "per_layer_input": "inp_gate embd per_layer; proj per_layer embd; post_norm embd",
    "output_scale": "layer_output_scale 1",
    "altup_block": """
        altup_correct_coef 4 4; altup_correct_scale embd; altup_predict_coef 4 16; altup_router embd 4
        altup_router_norm embd; laurel_l embd 64; laurel_r 64 embd; laurel_post_norm embd""",
}


def _parse(table: str) -> tuple[Row, ...]:
    rows = (row.split() for line in table.splitlines() for row in line.split(";"))
    return tuple((row[0], tuple(row[1:])) for row in rows if row)


PIECES: dict[str, tuple[Row, ...]] = {name: _parse(table) for name, table in _TABLES.items()}
