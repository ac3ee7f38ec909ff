"""Summarises a GGUF header as BuildSizes: bytes by buffer type, and per block cache and state sizes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from advisor.fit.build import BuildSizes, Header, LayerSizes, Tensor
from advisor.fit.engines.llama_cpp.architecture_facts import (
    CACHELESS,
    INPUT_TENSORS,
    OUTPUTLESS,
    REPACKED_TYPES,
    TIED_TWICE,
)
from advisor.fit.engines.llama_cpp.ggml_types import cuda_bytes, host_bytes, tensor_bytes
from advisor.fit.engines.llama_cpp.gguf_metadata import MAX_BLOCKS, Metadata
from advisor.fit.engines.llama_cpp.graph import stages, structure
from advisor.fit.sizes_json import from_json, to_json

__all__ = ["EXPERTS", "from_json", "summarise", "to_json"]

BLOCK = re.compile(r"blk\.(\d+)\.(.+)")
EXPERTS = re.compile(r"\.ffn_(up|down|gate|gate_up)_(ch|)exps")  # as llama.cpp's --cpu-moe matches


@dataclass(slots=True)
class Split:
    """Tensors by placement: their own block, the host's inputs, the output layer."""

    blocks: dict[int, list[Tensor]] = field(default_factory=lambda: defaultdict(list))
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    shared: list[Tensor] = field(default_factory=list)  # one copy for every device that holds blocks
    by_name: dict[str, Tensor] = field(default_factory=dict)


def summarise(header: Header, moved: re.Pattern[str] | None = None) -> BuildSizes:
    """Sums one tensor table.

    Args:
        header: metadata and tensors.
        moved: tensors that `experts_on_cpu` keeps on the host; default: the routed experts.

    Raises:
        ValueError: when a fact that every sum needs is missing; the message names it.
    """
    meta = Metadata(header.kv)
    if not meta.arch or meta.blocks <= 0 or meta.hidden <= 0:
        raise ValueError("The file names no architecture, block count or embedding length; layers cannot be counted.")
    if meta.blocks > MAX_BLOCKS:
        raise ValueError(f"The file states {meta.blocks} blocks; at most {MAX_BLOCKS} are possible.")
    split = _split(header, meta)
    if moved:  # outside the blocks the host keeps what the pattern names whatever the offload
        split.inputs += [t for t in split.outputs if moved.search(t.name)]
        split.outputs = [t for t in split.outputs if not moved.search(t.name)]
    moved = moved or EXPERTS
    own = {il: [t for t in split.blocks.get(il, []) if t.name.startswith("blk.")] for il in range(meta.blocks)}
    described, numbers = structure.describe(meta, own, split.by_name)
    layers = _intern(
        _traced(_layer(meta, il, split.blocks.get(il, []), moved), numbers[il], own[il], moved)
        for il in range(meta.blocks)
    )
    embedding = split.by_name.get("token_embd.weight")
    tied = "output.weight" not in split.by_name and embedding is not None and meta.arch not in OUTPUTLESS
    outputs = [*split.outputs, embedding] if tied and embedding else split.outputs
    used, experts = meta.number("expert_used_count"), meta.number("expert_count")
    share = used / experts if experts else 1.0
    read = [t for il in range(len(layers)) for t in split.blocks.get(il, [])] + outputs
    return BuildSizes(
        arch=meta.arch,
        layers=layers,
        embedding_host=sum(host_bytes(t.shape, t.type) for t in split.inputs),
        output_device=sum(cuda_bytes(t.shape, t.type) for t in outputs),
        output_host=sum(host_bytes(t.shape, t.type) for t in (outputs if meta.arch in TIED_TWICE else split.outputs)),
        shared_device=sum(cuda_bytes(t.shape, t.type) for t in split.shared),
        shared_host=sum(host_bytes(t.shape, t.type) for t in split.shared),
        repack=sum(host_bytes(t.shape, t.type) for t in read if _repacked(t)),
        n_vocab=header.n_vocab,
        hidden=meta.hidden,
        context_length=meta.number("context_length"),
        heads=meta.number("attention.head_count"),
        head_dim=meta.head_dim("key", 0),
        kv_heads=meta.number("attention.head_count_kv", meta.number("attention.head_count")),
        ffn=meta.number("feed_forward_length"),
        experts=experts,
        experts_used=used,
        expert_ffn=meta.number("expert_feed_forward_length"),
        causal=bool(header.kv.get(f"{meta.arch}.attention.causal", True)),
        tied=tied,
        exact=header.exact,
        file_bytes=sum(tensor_bytes(t.shape, t.type) for t in header.tensors),
        parameters=sum(prod(t.shape) for t in header.tensors),
        active_bytes=int(sum(tensor_bytes(t.shape, t.type) * _share(t, share) for t in read)),
        active_parameters=int(sum(prod(t.shape) * _share(t, share) for t in read)),
        graph=_graph(stages.graph_facts(meta, split.blocks) | described, split, layers),
    )


def _graph(found: dict[str, Any], split: Split, layers: tuple[LayerSizes, ...]) -> dict[str, Any]:
    factors = max((cuda_bytes(t.shape, t.type) for t in split.shared), default=0)
    return found | {"factors": factors, "traced": found["traced"] and structure.consistent(found, layers)}


def _split(header: Header, meta: Metadata) -> Split:
    split = Split()
    predicted = meta.blocks - meta.number("nextn_predict_layers")  # MTP blocks only draft tokens: not loaded
    for tensor in header.tensors:
        split.by_name[tensor.name] = tensor
        match, bare = BLOCK.match(tensor.name), tensor.name.split(".")[0]
        if match:
            if int(match[1]) < predicted:
                split.blocks[int(match[1])].append(tensor)
        elif bare in INPUT_TENSORS:
            split.inputs.append(tensor)
        elif tensor.name.startswith("rope_f"):
            split.shared.append(tensor)
        elif tensor.name.startswith(("per_layer_", "token_embd_norm")) and bare != structure.last_norm(meta):
            split.blocks[0].append(tensor)
        else:
            split.outputs.append(tensor)
    missing = next((il for il in range(predicted) if il not in split.blocks), None)
    if missing is not None:  # a corrupt count, or one part of a multi-file model
        raise ValueError(f"The file states {meta.blocks} blocks, but holds no tensor of block {missing}.")
    return split


def _layer(meta: Metadata, il: int, tensors: list[Tensor], moved: re.Pattern[str]) -> LayerSizes:
    resident = [t for t in tensors if not moved.search(t.name)]
    experts = [t for t in tensors if moved.search(t.name)]
    names = {t.name.split(".")[2] for t in tensors if t.name.count(".") >= 2}
    k, v = _cache(meta, il, names)
    conv, ssm = _state(meta, il, names)
    return LayerSizes(
        device=sum(cuda_bytes(t.shape, t.type) for t in resident),
        host=sum(host_bytes(t.shape, t.type) for t in resident),
        experts_device=sum(cuda_bytes(t.shape, t.type) for t in experts),
        experts_host=sum(host_bytes(t.shape, t.type) for t in experts),
        k_elements=k,
        v_elements=v,
        window=meta.window(il) if k or meta.arch in CACHELESS else None,
        state_conv=conv,
        state_ssm=ssm,
    )


def _traced(layer: LayerSizes, block: int, own: list[Tensor], moved: re.Pattern[str]) -> LayerSizes:
    """Adds the inputs of the graph trace: kind of block, bytes of each weight, and which of them are moved."""
    matrices = tuple(cuda_bytes(t.shape, t.type) for t in own)
    return replace(
        layer, block=block, matrices=matrices, moved=tuple(i for i, t in enumerate(own) if moved.search(t.name))
    )


def _cache(meta: Metadata, il: int, names: set[str]) -> tuple[int, int]:
    """K and V values per token; (0, 0) when the block has no cache (`llama-kv-cache.cpp`)."""
    attends = "attn_k" in names or "attn_kv_a_mqa" in names or ("attn_qkv" in names and not _recurrent(names))
    shared = meta.number("attention.shared_kv_layers")
    if not attends or meta.arch in CACHELESS or (shared and il >= meta.blocks - shared):
        return 0, 0
    rank = meta.number("attention.kv_lora_rank")
    if rank and "attn_kv_a_mqa" in names and meta.get("attention.key_length_mla") is not None:
        index = meta.number("attention.indexer.key_length") if "indexer" in names else 0  # llama-kv-cache-dsa.cpp
        return meta.head_dim("key", il) + index, 0  # MLA: V is read from K
    heads = meta.kv_heads(il)
    k, v = heads * meta.head_dim("key", il), heads * meta.head_dim("value", il)
    if (not k or not v) and not _recurrent(names):
        raise ValueError(f"Block {il} attends, but the file states no heads for it.")
    return k, v


def _recurrent(names: set[str]) -> bool:
    return any(n.startswith(("ssm_", "time_mix", "shortconv")) for n in names)


def _state(meta: Metadata, il: int, names: set[str]) -> tuple[int, int]:
    """f32 values of convolution and recurrent state per slot (`llama-hparams.cpp`, n_embd_r and n_embd_s)."""
    if any(n.startswith("shortconv") for n in names):
        return meta.hidden * (meta.number("shortconv.l_cache") - 1), 0
    if any(n.startswith("time_mix") for n in names):
        return meta.number("token_shift_count", 2) * meta.hidden, meta.hidden * meta.number("wkv.head_size")
    if not any(n.startswith("ssm_") for n in names):
        return 0, 0
    conv = max(0, meta.number("ssm.conv_kernel") - 1)
    head = meta.number("kda.head_dim")
    if head:
        heads = meta.heads(il)
        return 3 * conv * heads * head, heads * head * head
    inner, state, groups = (meta.number(f"ssm.{k}") for k in ("inner_size", "state_size", "group_count"))
    return conv * (inner + 2 * groups * state), state * inner


def _repacked(tensor: Tensor) -> bool:
    matrix = len(tensor.shape) >= 2 and tensor.name.endswith(".weight")
    return matrix and tensor.type in REPACKED_TYPES and tensor.shape[1] % 8 == 0


def _share(tensor: Tensor, share: float) -> float:
    return share if EXPERTS.search(tensor.name) else 1.0


def _intern(layers: Iterable[LayerSizes]) -> tuple[LayerSizes, ...]:
    """Replaces equal blocks by one object, so that runs of blocks can be counted by identity."""
    seen: dict[LayerSizes, LayerSizes] = {}
    return tuple(seen.setdefault(layer, layer) for layer in layers)
