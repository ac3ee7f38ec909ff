"""The weight matrices that one of `tp` devices loads, by the configuration (`model_executor/models`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from advisor.fit.engines.vllm.config import ConfigReading, UnknownConfig
from advisor.fit.engines.vllm.layer_kinds import layer_kinds
from advisor.fit.engines.vllm.recurrent_state import state_words

VOCABULARY_STEP = 64
EXPERTS = ("moe_num_experts", "num_experts", "num_local_experts", "n_routed_experts")
FIRST_SPARSE = ("first_k_dense_replace", "num_dense_layers", "moe_layer_start_index")
SHARED = ("n_shared_experts", "num_shared_experts", "moe_num_shared_experts")
# Model types with a two-matrix feed-forward, without a gate.
UNGATED = frozenset(
    (
        *("apertus", "arcee", "bloom", "falcon", "gpt_bigcode", "gpt_neox", "gptj", "nemotron", "nemotron_h"),
        *("phi", "starcoder2"),
    )
)
# Model types whose weights are not modelled: nothing is estimated for them.
UNCOVERED = frozenset(
    (
        *(
            "bailing_hybrid",
            "cohere_compass_text",
            "diffusion_gemma_text",
            "falcon_mamba",
            "gemma3n_text",
            "gemma4_text",
        ),
        *("gemma4_unified_text", "gpt2", "laguna", "longcat_flash", "mamba", "mamba2", "minimax_m3_vl_text", "opt"),
        "zamba2",
    )
)
GATED_QUERY = frozenset(("qwen3_next", "qwen3_5_text", "qwen3_5_moe_text", "afmoe"))


@dataclass(frozen=True, slots=True)
class Matrix:
    """`count` equal matrices of one device; `kept`: never quantized. `module` is the name that ignore lists use."""

    module: str
    rows: int
    columns: int
    count: int = 1
    kept: bool = False
    is_expert: bool = False


def matrices(reading: ConfigReading, tp: int) -> Iterator[Matrix]:
    """All matrices of one device. Raises UnknownConfig for a model whose matrices are not modelled."""
    if reading.model_type in UNCOVERED:
        raise UnknownConfig(f"The weights of {reading.model_type!r} are not known here.")
    hidden = reading.number("hidden_size")
    vocabulary = -(-reading.number("vocab_size") // VOCABULARY_STEP) * VOCABULARY_STEP // tp
    yield Matrix("model.embed_tokens", vocabulary, hidden, kept=True)
    if not _is_tied(reading):
        yield Matrix("lm_head", vocabulary, hidden, kept=True)
    for place, kind in enumerate(layer_kinds(reading)):
        where = f"model.layers.{place}"
        if kind not in ("state", "none"):
            yield from _attention(reading, "full" if kind == "both" else kind, where, tp, hidden)
        if kind in ("state", "both"):
            yield from _state(reading, where, tp, hidden)
        yield from _feed_forward(reading, place, where, tp, hidden)
        yield Matrix(f"{where}.norm", 2, hidden, kept=True)


def _is_tied(reading: ConfigReading) -> bool:
    said = reading.outer.get("tie_word_embeddings", reading.fields.get("tie_word_embeddings", True))
    return bool(reading.fields.get("tie_embedding", said))


def _attention(reading: ConfigReading, kind: str, where: str, tp: int, hidden: int) -> Iterator[Matrix]:
    where = f"{where}.self_attn"
    if reading.is_latent:
        yield from _latent(reading, where, tp, hidden)
        return
    words = reading.family.geometry.get(kind, {})
    heads = _number(reading, words.get("num_attention_heads", "")) or reading.heads
    kv = _number(reading, words.get("num_key_value_heads", "")) or reading.kv_heads
    head = _number(reading, words.get("head_dim", "")) or reading.head_dim
    v_head = _number(reading, words.get("v_head_dim", "")) or head
    if "window" in reading.family.geometry:
        v_head = _number(reading, "v_head_dim") or v_head
    queries = heads // tp * head * (2 if reading.model_type in GATED_QUERY else 1)
    yield Matrix(f"{where}.qkv_proj", queries + max(1, kv // tp) * (head + v_head), hidden)
    yield Matrix(f"{where}.o_proj", hidden, heads // tp * v_head)


def _latent(reading: ConfigReading, where: str, tp: int, hidden: int) -> Iterator[Matrix]:
    heads, rank = reading.heads // tp, reading.number("kv_lora_rank")
    rope, nope, value = (reading.number(name) for name in ("qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim"))
    low = _number(reading, "q_lora_rank")
    yield Matrix(f"{where}.kv_a_proj_with_mqa", rank + rope, hidden)
    if low:
        yield Matrix(f"{where}.q_a_proj", low, hidden)
    yield Matrix(f"{where}.q_b_proj" if low else f"{where}.q_proj", heads * (nope + rope), low or hidden)
    yield Matrix(f"{where}.kv_b_proj", heads * (nope + value), rank)
    yield Matrix(f"{where}.o_proj", hidden, heads * value)
    if reading.family.index == "dsa":
        width = reading.number("index_head_dim")
        yield Matrix(f"{where}.indexer.wq_b", reading.number("index_n_heads") * width, low or hidden)
        yield Matrix(f"{where}.indexer.wk", width, hidden, kept=True)


def _state(reading: ConfigReading, where: str, tp: int, hidden: int) -> Iterator[Matrix]:
    rule = reading.family.state
    if rule is None:
        raise UnknownConfig(f"The weights of {reading.architecture} are not known here.")
    words = state_words(reading, rule)
    if rule.kind == "delta":
        keys, values = words["k_heads"] * words["k_dim"] // tp, words["v_heads"] * words["v_dim"] // tp
        yield Matrix(f"{where}.linear_attn.in_proj_qkvz", 2 * keys + 2 * values, hidden)
        yield Matrix(f"{where}.linear_attn.in_proj_ba", 2 * words["v_heads"] // tp, hidden)
        yield Matrix(f"{where}.linear_attn.out_proj", hidden, values)
        yield Matrix(f"{where}.linear_attn.conv1d", 2 * keys + values, words["conv"], kept=True)
    elif rule.kind == "mamba2":
        inner = words.get("inner") or words.get("expand", 0) * hidden or words["heads"] * words["head_dim"]
        groups = max(words["groups"], tp) if words["groups"] == 1 else words["groups"]
        width = (inner + 2 * groups * words["state"]) // tp
        yield Matrix(f"{where}.mamba.in_proj", width + inner // tp + words["heads"] // tp, hidden)
        yield Matrix(f"{where}.mamba.out_proj", hidden, inner // tp)
        yield Matrix(f"{where}.mamba.conv1d", width, words["conv"] + 1, kept=True)
    elif rule.kind == "mamba1":
        inner = words["expand"] * hidden // tp
        rank = _number(reading, "mamba_dt_rank") or -(-hidden // 16)
        yield Matrix(f"{where}.mamba.in_proj", 2 * inner, hidden)
        yield Matrix(f"{where}.mamba.x_proj", rank + 2 * words["state"], inner)
        yield Matrix(f"{where}.mamba.dt_proj", inner, rank, kept=True)
        yield Matrix(f"{where}.mamba.out_proj", hidden, inner)
        yield Matrix(f"{where}.mamba.conv1d", inner, words["conv"] + 2 * words["state"], kept=True)
    elif rule.kind == "short_conv":
        yield Matrix(f"{where}.conv.in_proj", 3 * words["inner"] // tp, hidden)
        yield Matrix(f"{where}.conv.out_proj", hidden, words["inner"] // tp)
    else:
        raise UnknownConfig(f"The weights of {reading.architecture} are not known here.")


def _feed_forward(reading: ConfigReading, place: int, where: str, tp: int, hidden: int) -> Iterator[Matrix]:
    count = next((_number(reading, name) for name in EXPERTS if _number(reading, name)), 0)
    sparse = _is_sparse(reading, place, count)
    if sparse is None:
        return
    gates = 1 if reading.model_type in UNGATED else 2
    if not sparse:
        width = _dense_width(reading, place)
        yield Matrix(f"{where}.mlp.gate_up_proj", gates * width // tp, hidden)
        yield Matrix(f"{where}.mlp.down_proj", hidden, width // tp)
        return
    width = _number(reading, "moe_intermediate_size") or _number(reading, "expert_ffn_hidden_size")
    width = width or reading.number("intermediate_size")
    latent = _number(reading, "moe_latent_size") or hidden
    yield Matrix(f"{where}.mlp.gate", count, hidden, kept=True)
    yield Matrix(f"{where}.mlp.experts.up", gates * width // tp, latent, count, is_expert=True)
    yield Matrix(f"{where}.mlp.experts.down", latent, width // tp, count, is_expert=True)
    if latent != hidden:
        yield Matrix(f"{where}.mlp.latent_proj", latent, hidden, 2)
    shared = _shared_width(reading, width)
    if shared:
        yield Matrix(f"{where}.mlp.shared_experts.gate_up_proj", gates * shared // tp, hidden)
        yield Matrix(f"{where}.mlp.shared_experts.down_proj", hidden, shared // tp)


def _shared_width(reading: ConfigReading, width: int) -> int:
    stated = ("shared_expert_intermediate_size", "shared_intermediate_size", "moe_shared_expert_intermediate_size")
    for name in (*stated, "share_expert_dim"):
        if _number(reading, name):
            return _number(reading, name)
    if reading.model_type == "llama4_text":
        return reading.number("intermediate_size")
    return width * next((_number(reading, name) for name in SHARED if _number(reading, name)), 0)


def _dense_width(reading: ConfigReading, place: int) -> int:
    for name in ("intermediate_size_mlp", "shared_intermediate_size", "block_ff_dim", "intermediate_size"):
        value: Any = reading.fields.get(name)
        if isinstance(value, list):
            return int(value[place])
        if value and not (name == "block_ff_dim" and reading.fields.get("block_auto_adjust_ff_dim")):
            return reading.number(name)
        if value:
            return _adjusted(reading)
    return 4 * reading.number("hidden_size")


def _adjusted(reading: ConfigReading) -> int:
    """LFM2 uses two thirds of the stated width, rounded up to a multiple."""
    width = int(2 * reading.number("block_ff_dim") / 3 * float(reading.fields.get("block_ffn_dim_multiplier") or 1))
    step = _number(reading, "block_multiple_of") or 256
    return -(-width // step) * step


def _is_sparse(reading: ConfigReading, place: int, count: int) -> bool | None:
    """Whether this layer has experts; None when it has no feed-forward of its own (Nemotron-H)."""
    words = reading.get("hybrid_override_pattern")
    if not words and reading.model_type == "nemotron_h":
        words = reading.get("layers_block_type")
    if words:
        return {"E": True, "moe": True, "-": False, "mlp": False}.get([w for w in words if w != "|"][place])
    return bool(count) and place not in (reading.get("mlp_only_layers") or ()) and _has_experts(reading, place)


def _has_experts(reading: ConfigReading, place: int) -> bool:
    """Decides by the first field present; by default all layers after the leading dense ones have experts."""
    types, often, listed = (reading.get(name) for name in ("mlp_layer_types", "moe_layer_freq", "moe_layers_enum"))
    if types:
        return bool(types[place] == "sparse")
    if listed:
        return str(place) in str(listed).split(",")
    if isinstance(often, list):
        return bool(often[place])
    if reading.get("interleave_moe_layer_step"):
        return (place + 1) % reading.number("interleave_moe_layer_step") == 0
    if reading.get("expert_layer_period"):
        return place % reading.number("expert_layer_period") == _number(reading, "expert_layer_offset")
    return place >= max(_number(reading, name) for name in FIRST_SPARSE)


def _number(reading: ConfigReading, name: str) -> int:
    value = reading.get(name) if name else None
    if isinstance(value, list):
        return int(value[0])
    return 0 if value in (None, "auto") else reading.number(name)
