"""KV cache and recurrent state of each layer on one device: bytes per token, or bytes per request for a state."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.fit.engines.vllm.config import ConfigReading, NotServed, UnknownConfig
from advisor.fit.engines.vllm.device import FP8_SINCE, Card
from advisor.fit.engines.vllm.layer_kinds import layer_kinds
from advisor.fit.engines.vllm.recurrent_state import CHECKPOINTED, MODEL_BYTES, state_bytes
from advisor.fit.engines.vllm.serve_options import CACHE_TYPES, Serve

# DeepSeek's sparse attention (`fp8_ds_mla`): 512 fp8 values, 4 scales, 64 bf16 values of RoPE.
SPARSE_FP8_BYTES = 656
INDEX_GROUP = 128  # indexer keys are fp8 with one float32 scale per group


@dataclass(frozen=True, slots=True)
class Layer:
    """`kind`: full, window, chunk, latent, index or state. `size`: bytes per token; for a state, bytes per request.

    `span`: tokens of the window or chunk. `blocks`: blocks that a state needs per request with prefix caching.
    """

    kind: str
    size: int
    span: int = 0
    blocks: int = 0


@dataclass(frozen=True, slots=True)
class Cache:
    """All caches of one device, and the inputs of vLLM's block size.

    `aligned_by`: bytes per token of an attention layer by the configuration's top-level fields, which size a hybrid's
    pages; 0 without attention.
    """

    layers: tuple[Layer, ...]
    is_latent: bool
    is_fp8: bool
    widest_head: int
    aligned_by: int
    index: str | None

    @property
    def states(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if layer.kind == "state")


def cache(reading: ConfigReading, serve: Serve, card: Card) -> Cache:
    """The caches of one device.

    Raises UnknownConfig when the configuration is incomplete, NotServed when vLLM refuses.
    """
    dtype = serve.kv_cache_dtype
    dtype = reading.checkpoint_cache if dtype == "auto" else dtype
    value = (None if reading.family.model_dtype_only else CACHE_TYPES[dtype]) or MODEL_BYTES
    _check(reading, serve, card, value)
    found: list[Layer] = []
    each = layer_kinds(reading)
    window = _one_window(reading, each)
    kept = len(each) - _shared(reading)
    widest = 0
    for place, kind in enumerate(each):
        if kind in ("state", "both"):
            found.append(_state(reading, serve, card))
        if kind in ("state", "none") or (place >= kept and kind != "both"):
            continue
        found += _attention(reading, "full" if kind == "both" else kind, place, window=window, tp=serve.tp, value=value)
        widest = max(widest, _head(reading, kind))
    if not found:
        raise UnknownConfig("The configuration describes no layer that keeps a cache.")
    attends = any(layer.kind != "state" for layer in found)
    return Cache(
        layers=tuple(found * reading.family.caches_per_layer),
        is_latent=reading.is_latent,
        is_fp8=value == 1,
        widest_head=widest,
        aligned_by=_aligned_by(reading, serve.tp, value) if attends else 0,
        index=reading.family.index,
    )


def _attention(
    reading: ConfigReading, kind: str, place: int, *, window: int | None, tp: int, value: int
) -> list[Layer]:
    if reading.is_latent:
        return _latent(reading, value, place)
    words = reading.family.geometry.get(kind, {})
    heads = _field(reading, words.get("num_key_value_heads"), reading.kv_heads)
    head = _head(reading, kind)
    v_head = _field(reading, words.get("v_head_dim"), 0) or _v_head(reading) or head
    size = max(1, heads // tp) * (head + v_head) * value
    index = _block_index(reading, place)
    span = 0
    if kind == "window" and not reading.family.by_type:
        kind = "full"
    if kind == "window":
        span = _span(reading)
    elif kind == "full" and window:
        kind, span = "window", window
    elif kind == "chunk":
        span = reading.number("attention_chunk_size")
    if kind == "window" and not span:
        kind = "full"
    return [Layer(kind, size, span), *index]


def _aligned_by(reading: ConfigReading, tp: int, value: int) -> int:
    return _attention(reading, "full", 0, window=None, tp=tp, value=value)[0].size


def _latent(reading: ConfigReading, value: int, place: int) -> list[Layer]:
    """MLA: one latent vector, replicated on every rank; with DeepSeek's sparse attention an indexer key beside it."""
    width = reading.head_dim
    if reading.family.index != "dsa":
        return [Layer("latent", width * value)]
    found = [Layer("latent", SPARSE_FP8_BYTES if value == 1 else width * value)]
    if not _reuses_index(reading, place):
        index = reading.number("index_head_dim")
        found.append(Layer("index", index + index // INDEX_GROUP * 4))
    return found


def _reuses_index(reading: ConfigReading, place: int) -> bool:
    """Whether a layer reuses another layer's selection and has no indexer (`models/deepseek_v32/attention.py`)."""
    types = reading.fields.get("indexer_types")
    if types:
        return bool(types[place] != "full")
    pattern = reading.fields.get("index_topk_pattern")
    if pattern:
        return place < len(pattern) and pattern[place] == "S"
    every = int(reading.fields.get("index_topk_freq") or 1)
    return max(place - int(reading.fields.get("index_skip_topk_offset", 2)) + 1, 0) % every != 0


def _block_index(reading: ConfigReading, place: int) -> list[Layer]:
    """MiniMax M3 caches a bf16 indexer key in its sparse layers."""
    if reading.family.index != "minimax":
        return []
    sparse = reading.fields.get("sparse_attention_config") or {}
    where = sparse.get("sparse_attention_freq")
    if not where or place >= len(where):
        raise UnknownConfig("The configuration does not say sparse_attention_config.sparse_attention_freq.")
    return [Layer("index", int(sparse["sparse_index_dim"]) * MODEL_BYTES)] if where[place] else []


def _state(reading: ConfigReading, serve: Serve, card: Card) -> Layer:
    family = reading.family
    caching = serve.prefix_caching if serve.prefix_caching is not None else not family.attention_free
    kind = family.state.kind if family.state else ""
    blocks = 2 + (kind in CHECKPOINTED) if caching else 1
    return Layer("state", state_bytes(reading, serve.tp, 4 if card.is_cpu else None), blocks=blocks)


def _head(reading: ConfigReading, kind: str) -> int:
    return _field(reading, reading.family.geometry.get(kind, {}).get("head_dim"), reading.head_dim)


def _v_head(reading: ConfigReading) -> int:
    return (
        reading.number("v_head_dim") if "window" in reading.family.geometry and reading.fields.get("v_head_dim") else 0
    )


def _field(reading: ConfigReading, name: str | None, default: int) -> int:
    return reading.number(name) if name and reading.get(name) is not None else default


def _span(reading: ConfigReading) -> int:
    span = reading.fields.get(reading.family.window)
    if span is None:
        raise UnknownConfig(f"The configuration has sliding layers but does not say {reading.family.window}.")
    return reading.number(reading.family.window) + reading.family.window_extra


def _one_window(reading: ConfigReading, found: list[str]) -> int | None:
    """The window that vLLM applies to all layers of classes without per-layer windows; None when layer types differ."""
    if reading.family.geometry.get("window") or reading.fields.get("use_sliding_window") is False:
        return None
    if reading.typed and any(kind != "window" for kind in found):
        return None
    return reading.number("sliding_window") if reading.fields.get("sliding_window") else None


def _shared(reading: ConfigReading) -> int:
    """Number of last layers that read an earlier layer's cache (Gemma 3n and 4)."""
    return reading.number("num_kv_shared_layers") if reading.fields.get("num_kv_shared_layers") else 0


def _check(reading: ConfigReading, serve: Serve, card: Card, value: int) -> None:
    tp, heads = serve.tp, reading.fields.get("num_attention_heads") and reading.heads
    if heads and heads % tp:
        raise NotServed(f"vLLM cannot share {heads} attention heads among {tp} devices.")
    kv = 0 if reading.is_latent or not heads else reading.kv_heads
    if kv and max(kv, tp) % min(kv, tp):
        raise NotServed(f"vLLM cannot share {kv} KV heads among {tp} devices; one must divide the other.")
    sparse = reading.family.index == "dsa"
    if not card.is_cpu and sparse and card.major < 9:
        raise NotServed("vLLM has no kernel for sparse latent attention below compute capability 9.0.")
    if value == 1 and card.compute_capability and card.compute_capability < FP8_SINCE:
        if reading.is_latent:
            raise NotServed("vLLM has no fp8 cache for latent attention below compute capability 8.9.")
        raise UnknownConfig("Below compute capability 8.9 only FlashInfer has an fp8 cache; it was not measured.")
