from __future__ import annotations

from dataclasses import replace

from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from tests.accuracy import measured


def test_a_device_without_a_kernel_for_the_heads_goes_without_flash_attention_and_the_cpu_does_not() -> None:
    read = measured.header("llama-3.1-8b", "q4_k_m")
    uneven = {"llama.attention.key_length": 96, "llama.attention.value_length": 64}
    sizes = summarise(replace(read, kv=read.kv | uneven))
    settings = Settings(context=4096, devices=1)
    assert estimate_memory(sizes, settings._replace(gpu_layers=0)).flash_attention
    assert not estimate_memory(sizes, settings._replace(gpu_layers=33)).flash_attention


def test_a_graph_that_pools_embeddings_is_not_taken_for_one_that_does_not() -> None:
    sizes = measured.sizes("nomic-embed-text-v1.5", "f16")
    settings = Settings(context=2048, outputs="lib")
    plain, pooled = (estimate_memory(sizes, settings._replace(embedding=asked)) for asked in (False, True))
    assert pooled.host.compute > plain.host.compute
