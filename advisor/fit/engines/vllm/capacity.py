"""KV cache capacity: blocks per request, blocks available, and the largest context (`v1/core/kv_cache_utils.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from advisor.fit.engines.vllm.cache_layers import cache
from advisor.fit.engines.vllm.config import ConfigReading
from advisor.fit.engines.vllm.device import Card
from advisor.fit.engines.vllm.kv_blocks import Group, Spec, cache_groups, cache_specs
from advisor.fit.engines.vllm.serve_options import Serve

ASYNC_BATCHES = 2  # asynchronous scheduling keeps two batches in flight on GPUs


@dataclass(frozen=True, slots=True)
class Capacity:
    """KV cache capacity of one device. All groups allocate blocks from one pool; `needed_bytes` is one full-length
    request.

    `largest_max_model_len` is the largest context that starts with this budget, up to the model's own.
    """

    bytes_per_block: int
    num_blocks: int
    blocks_per_request: int
    needed_bytes: int
    capacity_tokens: int
    max_concurrency: float
    starts: bool
    largest_max_model_len: int


def capacity(reading: ConfigReading, serve: Serve, card: Card, budget: int) -> Capacity:
    """Capacity with `budget` bytes of cache on every device. Raises UnknownConfig or NotServed."""
    length = serve.max_model_len or reading.longest
    flight = in_flight(reading, serve, card, length)
    found = cache_groups(cache_specs(cache(reading, serve, card), card), serve.hybrid_manager)
    width = max(group.width for group in found)
    needed = blocks(found, length, flight)
    usable = budget // width - 1  # vLLM reserves one null block
    concurrency = budget // width / needed
    starts = needed * width <= budget - width
    return Capacity(
        bytes_per_block=width,
        num_blocks=budget // width,
        blocks_per_request=needed,
        needed_bytes=needed * width,
        capacity_tokens=int(concurrency * length),
        max_concurrency=concurrency,
        starts=starts,
        largest_max_model_len=_largest(found, usable, flight, max(length, reading.longest)),
    )


def in_flight(reading: ConfigReading, serve: Serve, card: Card, length: int) -> int:
    """Tokens that may be scheduled before earlier ones are settled (`VllmConfig.max_in_flight_tokens`)."""
    sequences = serve.max_num_seqs or card.sequences
    batched = serve.max_num_batched_tokens
    if batched is None:
        batched = min(max(card.batched_tokens, reading.family.image_tokens), sequences * length)
    return batched if card.is_cpu else ASYNC_BATCHES * batched


def blocks(found: Sequence[Group], length: int, flight: int) -> int:
    """Blocks that one request of `length` tokens may hold, over all groups."""
    return sum(max(_needed(spec, length, flight) for spec in group.specs) for group in found)


def _needed(spec: Spec, length: int, flight: int) -> int:
    layer = spec.layer
    if layer.kind == "state":
        return layer.blocks
    if layer.kind == "window":  # one more, as a window may start inside a block
        return -(-min(layer.span - 1 + flight, length) // spec.block) + 1
    tokens = min(layer.span + flight, length) if layer.kind == "chunk" else length
    return -(-tokens // spec.block)


def _largest(found: Sequence[Group], usable: int, flight: int, longest: int) -> int:
    low, high = 0, longest
    while low < high:
        middle = (low + high + 1) // 2
        if blocks(found, middle, flight) <= usable:
            low = middle
        else:
            high = middle - 1
    return low
