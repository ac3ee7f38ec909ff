"""Memory that vLLM uses beside weights and cache, as a range, and the budget left for the cache.

`gpu_worker.determine_available_memory` profiles activations and logits on the card, so no configuration gives them
exactly: the low end is what one dummy run must hold, the high end a bound on what it may hold; neither is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from advisor.fit.engines.vllm.capacity import ASYNC_BATCHES, in_flight
from advisor.fit.engines.vllm.config import ConfigReading, UnknownConfig
from advisor.fit.engines.vllm.device import Card
from advisor.fit.engines.vllm.loaded_weights import weight_bytes
from advisor.fit.engines.vllm.recurrent_state import MODEL_BYTES
from advisor.fit.engines.vllm.serve_options import Serve
from advisor.fit.units import GIB

ACTIVATION_COPIES = (1, 4)  # of the widest layer's input and output, live at the peak
LOGIT_COPIES = (1, 2)  # float32 logits, and their copy in the sampler
GRAPHS = (GIB // 4, 2 * GIB)  # 51 to 83 captured sizes
COMMUNICATION = (GIB // 4, 3 * GIB // 2)  # NCCL buffers per device, with tensor parallelism only


TOWERS = (0, 2)  # multiples of the bytes from the tower's stated widths; text-only serving loads none


@dataclass(frozen=True, slots=True)
class ByteRange:
    low: int
    high: int


def overhead(reading: ConfigReading, serve: Serve, card: Card) -> ByteRange:
    """Activations, sampler, CUDA graphs and communication buffers of one device, in bytes."""
    length = serve.max_model_len or reading.longest
    tokens = in_flight(reading, serve, card, length) // ASYNC_BATCHES
    width = max(reading.number("intermediate_size", "moe_intermediate_size", "hidden_size") // serve.tp, 1)
    activation = tokens * (2 * reading.number("hidden_size") + 2 * width) * MODEL_BYTES
    logits = min(serve.max_num_seqs or card.sequences, tokens) * reading.number("vocab_size") * 4
    tower = _towers(reading)
    ends = []
    for end in (0, 1):
        shared = GRAPHS[end] + (COMMUNICATION[end] if serve.tp > 1 else 0)
        ends.append(activation * ACTIVATION_COPIES[end] + logits * LOGIT_COPIES[end] + tower * TOWERS[end] + shared)
    return ByteRange(ends[0], ends[1])


def _towers(reading: ConfigReading) -> int:
    """Bytes of the towers' matrices from their widths: attention and a two-matrix feed-forward per layer."""
    total = 0
    for name in ("vision_config", "audio_config"):
        tower = reading.outer.get(name)
        if isinstance(tower, dict):
            width = _first(tower, "hidden_size", "d_model", "width")
            depth = _first(tower, "num_hidden_layers", "depth", "layers", "encoder_layers")
            wide = _first(tower, "intermediate_size", "encoder_ffn_dim") or 4 * width
            total += depth * width * (4 * width + 2 * wide) * MODEL_BYTES
    return total


def _first(tower: dict[str, Any], *names: str) -> int:
    found = (tower[name] for name in names if isinstance(tower.get(name), int))
    return int(next(found, 0))


def budget(reading: ConfigReading, serve: Serve, card: Card) -> ByteRange:
    """Bytes left for the cache of one device at the default utilization, at least 0.

    Raises UnknownConfig when the weights are not known, and for vLLM's CPU platform, whose cache size is a setting.
    """
    if card.is_cpu:
        raise UnknownConfig("On the CPU the cache has the size that is set: state kv_budget_bytes.")
    left = card.requested_bytes - weight_bytes(reading, serve.tp)
    taken = overhead(reading, serve, card)
    return ByteRange(max(0, left - taken.high), max(0, left - taken.low))
