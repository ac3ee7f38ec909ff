"""Computes the GGUF header that a conversion of a model would have, from its configuration.

Covers the text model. Vision and audio towers are stored in a separate file (mmproj), and llama.cpp skips
multi-token-prediction blocks by default, so neither is part of the header.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

from advisor.fit.architectures.block_pattern import BlockKind
from advisor.fit.architectures.dimensions import Symbols, UnknownLayout
from advisor.fit.architectures.families import FAMILIES, SAME_AS
from advisor.fit.architectures.family import Family
from advisor.fit.architectures.metadata_from_config import metadata
from advisor.fit.architectures.tensors import PIECES, Row
from advisor.fit.build import Header, Tensor
from advisor.fit.engines.llama_cpp.quantize import WeightShape, assign

# `arch` of a configuration -> (deciding field, key in FAMILIES); the first that applies wins.
VARIANTS = {
    "cohere": (("sliding_window", "cohere2"),),
    "deepseek": (("dsa_indexer", "deepseek_indexed"), ("q_lora_rank", "deepseek_low_rank")),
    "laguna": (("sliding_window", "laguna_windowed"),),  # gates whole heads; the other gates each of their values
    "nemotron_h": (("n_experts", "nemotron_h_moe"),),
    "qwen35moe": (("ffn", "qwen3next"),),  # only Qwen3-Next still states the width of a dense block
}
INPUT_TABLES = ("token_embd.weight", "per_layer_token_embd.weight")
NOT_LEARNT = ("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight")
LONG_ROPE = 65_536  # Phi-3 files carry rope factors when the context was extended beyond training


def header(architecture: dict[str, Any], quantization: str) -> Header:
    """The header of a GGUF file of this model: metadata with llama.cpp's keys, and every tensor with its type.

    `architecture` is the configuration in catalog terms (n_layers, hidden, n_heads, ...), `quantization` a key of
    `quantize.MIXES`. Raises `UnknownLayout` when the layout or a fact that it needs is not known.
    """
    return next(headers(architecture, [quantization]))


def headers(architecture: dict[str, Any], quantizations: Iterable[str]) -> Iterator[Header]:
    """As `header`, for several quantizations of one model: they differ in nothing but types."""
    facts, family, blocks = _layout(architecture)
    kv = metadata(family, facts, blocks)
    weights = _weights(facts, family, blocks)
    for quantization in quantizations:
        types = assign(weights, kv, quantization, facts.get("expert_type"))
        tensors = tuple(Tensor(w.name, w.shape, t) for w, t in zip(weights, types, strict=True))
        yield Header(kv=kv, tensors=tensors, n_vocab=Symbols(facts)["vocab"], exact=False)


def parameters(architecture: dict[str, Any]) -> tuple[int, int]:
    """Parameters of the text model: all, and those active per token (only the routed share of the experts)."""
    facts, family, blocks = _layout(architecture)
    weights = [w for w in _weights(facts, family, blocks) if w.name not in NOT_LEARNT]
    return sum(prod(w.shape) for w in weights), sum(_active(w, facts) for w in weights)


def prediction_parameters(architecture: dict[str, Any]) -> int:
    """Parameters of the `mtp` blocks that a checkpoint stores beside the text model: a last block and projection
    each.
    """
    facts, family, blocks = _layout(architecture)
    symbols = Symbols(facts)
    last = next((b for b in reversed(blocks) if b.mixer.startswith("attention")), blocks[-1])
    block = sum(prod(w.shape) for w in _block(facts, family, last, len(blocks)))
    join = 2 * symbols["embd"] ** 2 + 3 * symbols["embd"]
    return int(facts.get("mtp") or 0) * (block + join)


def _layout(architecture: dict[str, Any]) -> tuple[dict[str, Any], Family, list[BlockKind]]:
    arch = architecture.get("arch")
    if arch is None:
        raise UnknownLayout("The configuration of this model is not published.")
    name = next((name for fact, name in VARIANTS.get(arch, ()) if architecture.get(fact)), arch)
    family = FAMILIES.get(SAME_AS.get(name, name))
    if family is None:
        raise UnknownLayout(f"The tensor layout of {arch} models is not known.")
    facts = _filled(architecture)
    if facts.get("tie") is None:
        raise UnknownLayout("The configuration does not say whether input and output share one embedding (tie).")
    return facts, family, family.schedule(facts)


def _filled(facts: dict[str, Any]) -> dict[str, Any]:
    """The configuration with nested and implied values as top-level facts."""
    filled = dict(facts)
    if facts.get("lm_head") is False:  # embedding models: llama.cpp falls back to the input embedding
        filled["tie"] = True
    if facts.get("dsa_indexer"):
        filled["index_topk"] = facts["dsa_indexer"].get("topk")
    return filled


def _weights(facts: dict[str, Any], family: Family, blocks: list[BlockKind]) -> list[WeightShape]:
    symbols = Symbols(facts)
    top = [piece for piece in family.top if _present(piece, family, facts)]
    if not facts["tie"]:
        top.append("head")
    top += _rope(facts, family)
    weights = [_weight(row, symbols, "") for piece in top for row in PIECES[piece]]
    for index, block in enumerate(blocks):
        weights += _block(facts, family, block, index)
    return weights


def _rope(facts: dict[str, Any], family: Family) -> list[str]:
    scaling = facts.get("rope_scaling") or {}
    if scaling.get("rope_type") == "llama3" or family.gguf == "llama4":
        return ["rope_freqs"]
    if family.gguf == "phi3" and Symbols(facts)["context"] > LONG_ROPE:
        return ["rope_factors"]
    return []


def _block(facts: dict[str, Any], family: Family, block: BlockKind, index: int) -> list[WeightShape]:
    symbols = Symbols({**facts, **block.facts})
    ffn = "latent" if block.ffn == "moe" and facts.get("moe_latent") else block.ffn
    pieces = (*family.always, *family.mixers[block.mixer], *_kind(family, ffn, facts))
    rows = (row for piece in pieces if _present(piece, family, facts) for row in PIECES[piece])
    return [_weight(row, symbols, f"blk.{index}.") for row in rows]


def _kind(family: Family, ffn: str, facts: dict[str, Any]) -> tuple[str, ...]:
    if ffn not in family.ffns:
        raise UnknownLayout(f"A {facts['arch']} model with {ffn} feed-forward blocks is not known.")
    return family.ffns[ffn]


def _present(piece: str, family: Family, facts: dict[str, Any]) -> bool:
    return piece not in family.optional or bool(facts.get(family.optional[piece]))


def _weight(row: Row, symbols: Symbols, prefix: str) -> WeightShape:
    name, dimensions = row
    if name.endswith("!"):
        name = name[:-1]
    elif not name.endswith((".bias", ".scale")):
        name += ".weight"
    shape = tuple(symbols[d] for d in dimensions)
    while len(shape) > 1 and shape[-1] == 1:  # ggml drops trailing dimensions of 1
        shape = shape[:-1]
    return WeightShape(prefix + name, shape)


def _active(weight: WeightShape, facts: dict[str, Any]) -> int:
    if weight.name in INPUT_TABLES and not (facts["tie"] and weight.name == INPUT_TABLES[0]):
        return 0
    size = prod(weight.shape)
    return size * int(facts["n_experts_used"]) // int(facts["n_experts"]) if "_exps." in weight.name else size
