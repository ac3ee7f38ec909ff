from __future__ import annotations

import pytest

from advisor.fit.architectures.computed_header import header
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from tests.accuracy import measured
from tests.accuracy.layouts import configuration


def test_an_indexer_keeps_one_key_of_its_own_beside_the_latent_one():
    cached = {slug: summarise(header(configuration(slug), "Q4_K_M")).layers[0] for slug in ("deepseek-v3", "glm-5")}
    assert {slug: (layer.k_elements, layer.v_elements) for slug, layer in cached.items()} == {
        "deepseek-v3": (512 + 64, 0),
        "glm-5": (512 + 64 + 128, 0),
    }


def test_recurrent_blocks_of_kimi_linear_keep_a_state_and_no_cache():
    layers = summarise(header(configuration("kimi-linear-48b-a3b-instruct"), "Q4_K_M")).layers
    attending = [i for i, layer in enumerate(layers) if layer.k_elements]
    assert attending == [3, 7, 11, 15, 19, 23, 26]
    assert all(bool(layer.state_ssm) != bool(layer.k_elements) for layer in layers)


@pytest.mark.parametrize(
    ("slug", "attending"),
    [
        ("nvidia-nemotron-nano-12b-v2", [7, 16, 25, 34, 43, 52]),
        ("nvidia-nemotron-3-nano-4b-bf16", [12, 17, 24, 32]),
        ("nemotron-cascade-2-30b-a3b", [5, 12, 19, 26, 33, 42]),
        ("lfm2-1.2b", [2, 5, 8, 10, 12, 14]),
        ("lfm2-2.6b", [2, 5, 9, 13, 17, 21, 24, 27]),
        ("granite-4.0-h-small", [5, 15, 25, 35]),
    ],
)
def test_blocks_stand_in_the_order_that_was_published(slug: str, attending: list[int]) -> None:
    layers = summarise(header(configuration(slug), "Q4_K_M")).layers
    assert [i for i, layer in enumerate(layers) if layer.k_elements] == attending


def test_blocks_that_share_an_indexer_keep_no_key_for_it() -> None:
    layers = summarise(header(configuration("glm-5.2"), "Q4_K_M")).layers
    assert {layer.k_elements for layer in layers} == {512 + 64, 512 + 64 + 128}
    assert [i for i, layer in enumerate(layers) if layer.k_elements > 576] == [0, 1, 2, *range(6, 78, 4)]


def test_a_header_without_block_count_is_refused_in_one_sentence() -> None:
    header = measured.header("llama-3.1-8b", "q4_k_m")
    del header.kv["llama.block_count"]
    try:
        with pytest.raises(ValueError, match="block count"):
            summarise(header)
    finally:
        header.kv["llama.block_count"] = 32
