from __future__ import annotations

from typing import Any

import pytest

from advisor.fit.engines.vllm.cache_layers import Layer
from advisor.fit.engines.vllm.capacity import blocks, capacity, in_flight
from advisor.fit.engines.vllm.config import ConfigReading, read_config
from advisor.fit.engines.vllm.device import Card
from advisor.fit.engines.vllm.kv_blocks import Group, Spec
from advisor.fit.engines.vllm.serve_options import Serve

GIB = 1 << 30
H100 = Card("NVIDIA H100 80GB HBM3", 85_520_809_984, (9, 0))
LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 32, "hidden_size": 4096,
    "num_attention_heads": 32, "num_key_value_heads": 8, "max_position_embeddings": 131072, "vocab_size": 128256,
    "intermediate_size": 14336,
}  # fmt: skip
PER_BLOCK = 16 * 32 * 2 * 8 * 128 * 2  # tokens x layers x (K + V) x heads of 128 x bf16


@pytest.fixture(scope="module")
def llama() -> ConfigReading:
    return read_config(LLAMA)


def test_blocks_tokens_and_concurrency_follow_from_the_budget(llama: ConfigReading) -> None:
    found = capacity(llama, Serve(max_model_len=4096), H100, GIB)
    assert (found.bytes_per_block, found.num_blocks) == (PER_BLOCK, GIB // PER_BLOCK)
    assert (found.blocks_per_request, found.needed_bytes) == (256, 256 * PER_BLOCK)
    assert (found.max_concurrency, found.capacity_tokens) == (2.0, 8192)


def test_a_request_starts_where_one_block_is_left_beside_it(llama: ConfigReading) -> None:
    needed = 256 * PER_BLOCK
    for budget, starts in ((needed, False), (needed + PER_BLOCK - 1, False), (needed + PER_BLOCK, True)):
        found = capacity(llama, Serve(max_model_len=4096), H100, budget)
        assert found.starts is starts, budget


def test_the_largest_context_starts_and_one_more_does_not(llama: ConfigReading) -> None:
    most = capacity(llama, Serve(), H100, GIB).largest_max_model_len
    assert capacity(llama, Serve(max_model_len=most), H100, GIB).starts
    assert not capacity(llama, Serve(max_model_len=most + 1), H100, GIB).starts
    assert capacity(llama, Serve(), H100, 64 * GIB).largest_max_model_len == 131072  # as far as the model goes


@pytest.mark.parametrize(
    ("layer", "length", "needed"),
    [
        (Layer("full", 1), 1000, 63),
        (Layer("window", 1, span=512), 100_000, 65),  # 511 + 512 in flight, and one more
        (Layer("window", 1, span=512), 100, 8),
        (Layer("chunk", 1, span=512), 100_000, 64),
        (Layer("state", 1, blocks=3), 100_000, 3),
    ],
    ids=["full", "window", "a window longer than the request", "chunk", "state"],
)
def test_each_kind_of_layer_needs_its_own_number_of_blocks(layer: Layer, length: int, needed: int) -> None:
    assert blocks([Group((Spec(layer, 16, 16),), 16)], length, flight=512) == needed


def test_two_batches_may_be_in_flight_on_a_gpu_and_one_on_a_cpu(llama: ConfigReading) -> None:
    cpu = Card("cpu", 0, None)
    serve = Serve(max_num_batched_tokens=2048)
    assert [in_flight(llama, serve, card, 4096) for card in (H100, cpu)] == [4096, 2048]
    assert in_flight(llama, Serve(max_num_seqs=1), H100, 1000) == 2 * 1000  # no more than there can be
