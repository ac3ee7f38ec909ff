"""Peak of an architecture's compute graph in floats per token, from its tensor table.

A compute buffer is the peak of the tensors that ggml's graph allocator keeps alive. Per token of the micro-batch that
peak does not depend on context, depth or quantisation, so it is computed once per build. Live tensors of each stage
(`src/llama-graph.cpp`, `src/models/*.cpp`, `ggml/src/ggml-alloc.c` of build b11434):

* gated feed-forward: gate, up and their product (3 F) beside four rows of the residual stream;
* routed experts: the same per expert used; their outputs (e d) reuse the memory of gate and up when they fit;
* latent attention (MLA): the query as projected, split, absorbed and joined again;
* state space: the projected input, twice the convolution's channels, the scan's result, and the states of every slot.
"""

from __future__ import annotations

from typing import Any

from advisor.fit.build import Tensor
from advisor.fit.engines.llama_cpp.gguf_metadata import Metadata

Names = dict[str, Tensor]


def graph_facts(meta: Metadata, blocks: dict[int, list[Tensor]]) -> dict[str, Any]:
    """Inputs of `compute`, in floats per token unless stated otherwise.

    peak: the largest stage other than those below; attention, query: live tensors of attention, and its query alone;
    scan, states: state-space stage per token, and floats per slot; extra: rows that live through all blocks; tables:
    4-byte words of positions and indices; borrows: [block, block whose cache it reads].
    """
    d = meta.hidden
    named = [_named(tensors) for tensors in blocks.values()]
    extra = meta.number("embedding_length_per_layer_input") * meta.blocks
    query = max((_query(meta, names, il) for il, names in zip(blocks, named, strict=True)), default=0)
    latent = max((_latent(meta, names, il) for il, names in zip(blocks, named, strict=True)), default=0)
    peak = max([4 * d, latent, *(_feed_forward(meta, names) for names in named)])
    parallel = any(map(_parallel, named))
    return {
        "peak": peak + extra + (d if parallel else 0),
        "attention": peak + 2 * d if parallel else 3 * d + 2 * query + extra,
        "query": query,
        "scan": max((_scan(meta, names) for names in named), default=0),
        "states": max((_states(meta, names) for names in named), default=0),
        "extra": extra,
        "borrows": _borrows(meta),
        "tables": 7 + 4 * (len({meta.window(il) for il in blocks}) > 1),
    }


def _named(tensors: list[Tensor]) -> Names:
    """A block's weights by bare name, such as "attn_q"."""
    return {t.name.split(".")[2]: t for t in tensors if t.name.count(".") >= 2 and not t.name.endswith(".bias")}


def rows(tensor: Tensor) -> int:
    return tensor.shape[1] if len(tensor.shape) > 1 else 1


def _borrows(meta: Metadata) -> list[list[int]]:
    """Shared KV layers: each reads the cache of the last layer with its own cache and the same window type.

    Source: `llama-kv-cache.cpp`, reuse.
    """
    own = max(1, meta.blocks - meta.number("attention.shared_kv_layers"))
    return [[il, own - (1 if meta.window(il) is None else 2)] for il in range(own, meta.blocks) if own > 1]


def _parallel(names: Names) -> bool:
    """Whether attention and feed-forward run in parallel: the latter has no norm of its own."""
    return "attn_norm" in names and "attn_q" in names and "ffn_up" in names and not _second_norm(names)


def _second_norm(names: Names) -> bool:
    return any(n in names for n in ("ffn_norm", "post_attention_norm", "attn_post_norm", "attn_output_norm"))


def _gated(names: Names) -> bool:
    """Whether the feed-forward is gated: gate and up as two matrices, or as one of twice the width."""
    up = names.get("ffn_up")
    return "ffn_gate" in names or (up is not None and rows(up) == 2 * names["ffn_down"].shape[0])


def _feed_forward(meta: Metadata, names: Names) -> int:
    d, stages = meta.hidden, [0]
    if "ffn_down" in names:
        width = names["ffn_down"].shape[0]
        gated = _gated(names)
        rest = 4 if gated or meta.get("attention.causal") is not False else 2
        stages.append((3 if gated else 1) * width + rest * d)
    if "ffn_down_exps" in names:
        each = meta.number("expert_used_count") * names["ffn_down_exps"].shape[0]
        outputs = meta.number("expert_used_count") * d
        beside = 5 if meta.arch == "llama4" else 4  # the shared expert runs beside the routed one
        stages.append(3 * each + beside * d + (outputs if outputs > 2 * each else 0))
    return max(stages)


def _latent(meta: Metadata, names: Names, il: int) -> int:
    """Query as projected, its rotated part, the part absorbed into the latent space, and both joined."""
    if "attn_k_b" not in names:
        return 0
    rank, rope = meta.number("attention.kv_lora_rank"), meta.number("rope.dimension_count")
    return meta.heads(il) * (meta.number("attention.key_length_mla") + rope + rank + rank + rope) + 4 * meta.hidden


def _scan(meta: Metadata, names: Names) -> int:
    if "ssm_in" not in names:
        return 0
    d, projected = meta.hidden, rows(names["ssm_in"])
    inner, state, groups = (meta.number(f"ssm.{k}") for k in ("inner_size", "state_size", "group_count"))
    if "ssm_x" in names:  # Mamba-1: step size, B and C come from a second projection
        return 4 * d + projected + 2 * inner + rows(names["ssm_x"]) + meta.number("ssm.time_step_rank")
    return 4 * d + projected + 2 * (inner + 2 * groups * state) + inner


def _query(meta: Metadata, names: Names, il: int) -> int:
    if "attn_k_b" in names:
        rank, rope = meta.number("attention.kv_lora_rank"), meta.number("rope.dimension_count")
        return meta.heads(il) * (rank + rope)
    if any(n in names for n in ("attn_q", "attn_qkv", "attn_k")):
        return meta.heads(il) * meta.head_dim("key", il)
    return 0


def _states(meta: Metadata, names: Names) -> int:
    """Floats of state per slot that the scan outputs; Mamba-1 keeps its convolution state separately."""
    if "ssm_conv1d" not in names:
        return 0
    conv = 0 if "ssm_x" in names else meta.number("ssm.conv_kernel") - 1
    inner, state, groups = (meta.number(f"ssm.{k}") for k in ("inner_size", "state_size", "group_count"))
    return state * inner + conv * (inner + 2 * groups * state)
