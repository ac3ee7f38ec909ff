"""Describes a build's blocks for tracing: weights by name and width, and architecture facts not in the header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any

from advisor.fit.build import LayerSizes, Tensor
from advisor.fit.engines.llama_cpp.architecture_facts import (
    CACHELESS,
    DEFAULT_WINDOW,
    EARLY_WEIGHTS,
    FLASH_HEADS,
    FOUR_POSITIONS,
    FULL_UNTURNED,
    LAST_NORM,
    LATE_SOFTMAX,
    LAYER_NORM,
    NORMED_WEIGHTS,
    SCALED_EMBEDDING,
    SCALED_QUERY,
    SILENT,
    SPARSE_BLOCKS,
    STREAM_FIRST,
    TURNED_IF_SAID,
    UNTURNED,
    UNTURNED_PERIOD,
    VALUE_NORM,
)
from advisor.fit.engines.llama_cpp.ggml_types import cuda_bytes
from advisor.fit.engines.llama_cpp.gguf_metadata import Metadata

Widths = dict[str, int]
ENTRY = ("position_embd", "token_types", "token_embd_norm")  # applied before the first block, in this order
EARLY = {"ssm_in", "shortconv.in_proj"}  # blocks whose state ops are listed before the end of the preceding block
LISTED = {"attn_output", "ffn_down_exps", *EARLY}
# Weights that occur together: the first is traced only when all others are present. Anything else is not traced.
TOGETHER = (
    ("attn_q", "attn_output"),
    ("attn_kv_a_mqa", "attn_kv_a_norm", "attn_output"),
    ("attn_k_b", "attn_v_b", "attn_kv_a_mqa"),
    ("indexer.attn_k", "indexer.attn_q_b", "indexer.proj", "indexer.k_norm", "attn_k_b", "attn_q_a"),
    ("ssm_in", "ssm_conv1d", "ssm_a", "ssm_out"),
    ("ssm_ba", "attn_qkv", "attn_gate", "ssm_conv1d", "ssm_a", "ssm_out"),
    ("ssm_alpha", "ssm_beta", "attn_qkv", "attn_gate", "ssm_conv1d", "ssm_a", "ssm_out"),
    ("ssm_f_a", "ssm_g_a", "ssm_conv1d_q", "ssm_conv1d_k", "ssm_conv1d_v", "ssm_beta", "ssm_a", "attn_k", "attn_v"),
    ("shortconv.conv", "shortconv.in_proj", "shortconv.out_proj"),
    ("altup_router", "altup_predict_coef", "altup_correct_coef", "altup_correct_scale", "laurel_l", "laurel_r", "proj"),
    ("ffn_down", "ffn_up"),
    ("ffn_down_exps", "ffn_gate_inp"),
)
MAX_EXPERTS = 512  # LLAMA_MAX_EXPERTS of `src/llama-hparams.h`
UNTRACED = ("time_mix", "cross_attn", "hc_")


def apart(blocks: list[Widths]) -> bool:
    """Whether some attention op is listed between cache ops, and follows them to the host.

    State ops of the next state-space block, or of the block's own SSM half, are listed right after attention; routed
    experts come before them.
    """
    listed = [names for names in blocks if names.keys() & LISTED]
    attending = [names for names in listed if "attn_output" in names]
    return any("ssm_in" in names for names in attending) or any(
        "attn_output" in names and "ffn_down_exps" not in names and after.keys() & EARLY
        for names, after in pairwise(listed)
    )


def traceable(meta: Metadata, blocks: list[Widths]) -> bool:
    """Whether all blocks consist of structures that `graph.blocks` can trace."""
    blocks = [names for names in blocks if names]  # MTP blocks only draft tokens and are not loaded
    known = all(set(rest) <= names.keys() for names in blocks for first, *rest in TOGETHER if first in names)
    mixes = all(names.keys() & {first for first, *_ in TOGETHER} or "attn_qkv" in names for names in blocks)
    strange = any(part in name for names in blocks for name in names for part in UNTRACED)
    return bool(blocks) and known and mixes and not strange


def consistent(graph: dict[str, Any], layers: Sequence[LayerSizes]) -> bool:
    """Whether every block has the cache and states that its weights require; headers are untrusted."""
    sources = dict(graph["borrows"])
    for il, layer in enumerate(layers):
        block, source = graph["blocks"][layer.block], sources.get(il, il)
        keeps = graph["facts"]["cacheless"] or (0 <= source < len(layers) and layers[source].k_elements > 0)
        if block["width"] and not _possible(graph["facts"], block, layer, keeps):
            return False
    return True


def _possible(facts: dict[str, Any], block: dict[str, Any], layer: LayerSizes, keeps: bool) -> bool:
    names, experts = block["width"].keys(), min(block["width"].get("ffn_gate_inp", 0), MAX_EXPERTS)
    attends = names & {"attn_q", "attn_qkv", "attn_kv_a_mqa"} and not names & {"ssm_ba", "ssm_beta"}
    return not (
        (attends and not (keeps and block["query"] > 0 and block["head"] > 0))
        or (names & {"ssm_conv1d", "ssm_conv1d_q", "shortconv.conv"} and layer.state_conv <= 0)
        or ("ssm_f_a" in names and block["heads"] <= 0)
        or ("ffn_down_exps" in names and not 0 < facts["used"] <= experts)
        or ("indexer.attn_k" in names and min(facts["index"], facts["top_k"]) <= 0)
        or (facts["altup"] > 0) != (block["width"].get("altup_router", 0) > 1)
    )


def describe(
    meta: Metadata, tensors: dict[int, list[Tensor]], named: Mapping[str, Tensor]
) -> tuple[dict[str, Any], list[int]]:
    """Architecture facts, the distinct blocks, and for each block the index of its kind."""
    found: dict[str, int] = {}
    blocks: list[dict[str, Any]] = []
    numbers = []
    for il in range(meta.blocks):
        made = structure(meta, il, tensors[il])
        if repr(made) not in found:
            found[repr(made)] = len(blocks)
            blocks.append(made)
        numbers.append(found[repr(made)])
    widths = [blocks[number]["width"] for number in numbers]
    facts = {"facts": _facts(meta, tensors, named), "blocks": blocks, "apart": apart(widths)}
    facts["flash"] = all(block["flash"] for block in blocks)
    key = sha256(repr(facts).encode()).hexdigest()[:16]
    return facts | {"traced": traceable(meta, widths), "key": key}, numbers


def _facts(meta: Metadata, tensors: dict[int, list[Tensor]], named: Mapping[str, Tensor]) -> dict[str, Any]:
    """Facts shared by all blocks."""
    inner, state, groups = (meta.number(f"ssm.{k}") for k in ("inner_size", "state_size", "group_count"))
    taps = meta.number("shortconv.l_cache") or meta.number("ssm.conv_kernel")
    altup = named.get("altup_proj.weight")
    downs = [t for block in tensors.values() for t in block if bare(t) in ("ffn_down", "ffn_down_shexp")]
    return {
        "rank": meta.number("attention.kv_lora_rank"),
        "rope": meta.number("rope.dimension_count"),
        "index": meta.number("attention.indexer.key_length"),
        "top_k": meta.number("attention.indexer.top_k"),
        "stacked": meta.number("n_deepstack_layers"),
        "used": meta.number("expert_used_count"),
        "normed": meta.arch in NORMED_WEIGHTS or bool(meta.get("expert_weights_norm")),
        "late_softmax": meta.arch in LATE_SOFTMAX,
        "early": meta.arch in EARLY_WEIGHTS,
        "scaled_query": meta.arch in SCALED_QUERY,
        "scaled_embedding": meta.arch in SCALED_EMBEDDING,
        "axes": 4 if meta.arch in FOUR_POSITIONS else 1,
        "stream_first": list(STREAM_FIRST.get(meta.arch, ())),
        "windowed": any(meta.window(il) is not None for il in range(meta.blocks)),
        "taps": max(0, taps - 1),
        "d_inner": inner,
        "d_state": state,
        "groups": groups,
        "dt_rank": meta.number("ssm.time_step_rank"),
        "inner": {bare(t): t.shape[0] for t in downs},
        "entry": [name for name in ENTRY if f"{name}.weight" in named and name != last_norm(meta)],
        "last_norm": f"{last_norm(meta)}.weight" in named,
        "entry_bias": "token_embd_norm.bias" in named,
        "pooling": meta.number("pooling_type"),
        "silent": meta.arch in SILENT,
        "layer_norm": meta.arch in LAYER_NORM,
        "cacheless": meta.arch in CACHELESS,
        "value_norm": meta.arch in VALUE_NORM,
        "altup": cuda_bytes(altup.shape, altup.type) if altup else 0,
    }


def structure(meta: Metadata, il: int, tensors: list[Tensor]) -> dict[str, Any]:
    """Trace description of one block: weights with the width of their products, and heads."""
    heads = meta.heads(il)
    made = {
        "width": {bare(t): t.shape[1] if len(t.shape) > 1 and "conv" not in bare(t) else t.shape[-1] for t in tensors},
        "heads": heads,
        "query": heads * meta.head_dim("key", il),
        "key": meta.kv_heads(il) * meta.head_dim("key", il),
        "value": heads * meta.head_dim("value", il),
        "head": meta.head_dim("key", il),
        "turned": turned(meta, il),
        "sparse": il < SPARSE_BLOCKS.get(meta.arch, 0),
    }
    return made | {"flash": kernel(meta, made)}


def turned(meta: Metadata, il: int) -> bool:
    """Whether the block applies RoPE to query and key."""
    if meta.arch in UNTURNED or (meta.get("rope.scaling.finetuned") is False and meta.arch in TURNED_IF_SAID):
        return False
    if meta.arch in FULL_UNTURNED and meta.number("attention.sliding_window", DEFAULT_WINDOW.get(meta.arch, 0)):
        return meta.window(il) is not None
    return not (meta.arch in UNTURNED_PERIOD and (il + 1) % UNTURNED_PERIOD[meta.arch] == 0)


def kernel(meta: Metadata, block: dict[str, Any]) -> bool:
    """Whether CUDA has a flash attention kernel for the block; True for blocks without attention."""
    names, heads = block["width"].keys(), max(1, block["heads"])
    if not names & {"attn_q", "attn_qkv", "attn_kv_a_mqa"} or names & {"ssm_ba", "ssm_beta"}:
        return True
    absorbed = "attn_k_b" in names
    value = block["value"] // heads
    keys = 1 if absorbed else max(1, block["key"] // max(1, block["head"]))
    least = FLASH_HEADS.get((block["head"], value))
    return least is not None and (heads // keys) % least == 0


def last_norm(meta: Metadata) -> str:
    """Tensor name of the norm before the output layer."""
    return LAST_NORM.get(meta.arch, "output_norm")


def bare(tensor: Tensor) -> str:
    """A weight's name within its block; biases keep their suffix."""
    return tensor.name.split(".", 2)[2].removesuffix(".weight")
