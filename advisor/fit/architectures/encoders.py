"""Layouts of encoders: embedding models and rerankers, which have no KV cache."""

from __future__ import annotations

from advisor.fit.architectures import block_pattern
from advisor.fit.architectures.family import NORMED, POST_NORMS, PRE_NORMS, Family

_BERT_TOP = ("embedding", "token_types", "positions", "embedding_norm", "embedding_norm_bias")

ENCODERS: dict[str, Family] = {
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
    "gemma_embedding": Family(
        "gemma-embedding",
        PRE_NORMS + POST_NORMS,
        NORMED,
        schedule=block_pattern.windowed,
        metadata=("heads", "window"),
        causal=False,
    ),
    "modernbert": Family(
        "modern-bert",
        ("ffn_norm",),
        {"attention": ("attn_norm", "fused_attention"), "first": ("fused_attention",)},
        {"dense": ("fused_gated",)},
        block_pattern.modern_bert,
        ("embedding", "embedding_norm", "final_norm"),
        metadata=("window",),
        causal=False,
    ),
}
