"""Block size, pages and KV cache groups (`platforms/interface.py`, `v1/core/kv_cache_utils.py`)."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.fit.engines.vllm.cache_layers import Cache, Layer
from advisor.fit.engines.vllm.config import NotServed
from advisor.fit.engines.vllm.device import Card

DEFAULT_BLOCK = 16
CPU_BLOCK = 128
FLASHINFER_LATENT_BLOCK = 32
INDEX_BLOCKS = {"dsa": 64, "minimax": 128}
FEW_MORE = 1.5  # below this ratio of counts the smaller bucket of layers is padded to the larger
FULL_KINDS = ("full", "latent", "index")


@dataclass(frozen=True, slots=True)
class Spec:
    """A layer with the tokens per block and bytes per page on one device."""

    layer: Layer
    block: int
    page: int


@dataclass(frozen=True, slots=True)
class Group:
    """Layers that share a block table: `width` bytes per block, and the specs that determine the number of blocks."""

    specs: tuple[Spec, ...]
    width: int


def block_size(cache: Cache, card: Card) -> int:
    """Tokens per block, before page sizes are unified, that every attention kernel of the model accepts."""
    if card.is_cpu:
        return DEFAULT_BLOCK if cache.is_latent else CPU_BLOCK
    if cache.index is not None:
        return INDEX_BLOCKS[cache.index]
    if cache.is_latent:
        return FLASHINFER_LATENT_BLOCK if card.major == 10 else _hopper_fp8(cache, card)
    return _hopper_fp8(cache, card) if cache.widest_head == 512 else DEFAULT_BLOCK


def _hopper_fp8(cache: Cache, card: Card) -> int:
    """FlashMLA, and FlashAttention 4 for heads of 512, read an fp8 cache on Hopper in blocks of 64."""
    return 64 if cache.is_fp8 and card.major == 9 else DEFAULT_BLOCK


def cache_specs(cache: Cache, card: Card) -> list[Spec]:
    """Every layer with its block and page. In hybrids, attention pages grow until one holds a state."""
    block = block_size(cache, card)
    state = max((layer.size for layer in cache.states), default=0)
    if state and cache.aligned_by:
        step = max(block, 128) if cache.is_latent else block
        block = max(block, step * -(-state // (step * cache.aligned_by)))
    padded = block * cache.aligned_by
    return [
        Spec(layer, block, padded or layer.size) if layer.kind == "state" else Spec(layer, block, block * layer.size)
        for layer in cache.layers
    ]


def cache_groups(found: list[Spec], hybrid_manager: bool) -> list[Group]:
    """KV cache groups of the layers. Raises NotServed when vLLM cannot unify the page sizes."""
    if not hybrid_manager:
        found = _promoted(found)
    families = {_family(spec) for spec in found}
    if len(families) == 1 and len({spec.block for spec in found}) == 1:
        return [Group(tuple(dict.fromkeys(found)), sum(spec.page for spec in found))]
    buckets: dict[Spec, int] = {}
    for spec in _equal_pages(found):
        buckets[spec] = buckets.get(spec, 0) + 1
    fewest, most = min(buckets.values()), max(buckets.values())
    size = most if most < fewest * FEW_MORE else fewest
    return [
        Group((spec,), len(range(first, count, pieces)) * spec.page)
        for spec, count in buckets.items()
        for pieces in [-(-count // size)]
        for first in range(pieces)
    ]


def _family(spec: Spec) -> tuple[str, int, int]:
    """Layers of one family need the same blocks and share a table, whatever their page sizes."""
    layer = spec.layer
    if layer.kind in FULL_KINDS:
        return ("full", 0, 0)
    return (layer.kind, layer.span, spec.page if layer.kind == "state" else 0)


def _promoted(found: list[Spec]) -> list[Spec]:
    """--disable-hybrid-kv-cache-manager: windowed and chunked layers are cached in full beside full attention."""
    if len({_family(spec) for spec in found}) == 1:
        return found
    promoted = [
        Spec(Layer("full", s.layer.size), s.block, s.page) if s.layer.kind in ("window", "chunk") else s for s in found
    ]
    if not any(s.layer.kind in FULL_KINDS for s in found) or len({_family(spec) for spec in promoted}) > 1:
        raise NotServed("vLLM cannot run this model without its hybrid cache manager: its layers are of several types.")
    return promoted


def _equal_pages(found: list[Spec]) -> list[Spec]:
    """Unifies page sizes: smaller pages get more tokens, or padding when they do not divide the largest."""
    largest = max(spec.page for spec in found)
    equal = []
    for spec in found:
        kind, ratio, rest = spec.layer.kind, *divmod(largest, spec.page)
        if kind == "state" or (rest and kind in ("full", "window", "chunk")):
            equal.append(Spec(spec.layer, spec.block, largest))
        elif rest:
            raise NotServed("vLLM cannot bring the cache pages of this model to one size.")
        else:
            equal.append(Spec(spec.layer, spec.block * ratio, largest))
    return equal
