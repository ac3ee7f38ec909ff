"""Predictions against measured rows. The limits are what the sums reach; who makes them worse breaks the build."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.answers.about import bounds
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.tensor_sizes import from_json, summarise, to_json
from tests.accuracy import measured

KINDS = ("full offload", "partial", "two gpus", "cpu")
# The 90th percentile of the compute buffer alone, and of the host's beside devices.
COMPUTE = {"full offload": 0.001, "partial": 0.001, "two gpus": 0.1, "cpu": 0.01}
BESIDE = {"full offload": 0.01, "partial": 0.01, "two gpus": 0.01}


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_against_measured_rows_stays_within_its_limits(kind: str) -> None:
    score, limit = measured.scores()[kind], bounds()[f"llama.cpp, {kind}"]
    seen = {"median": score.at(0.5), "p90": score.at(0.9), "worst": score.at(1), "under": score.under}
    assert all(seen[name] <= limit[name] for name in seen), f"{kind}: {seen}"
    assert sum(measured.kind(row) == kind for row in measured.rows()) >= limit["rows"]


@pytest.mark.parametrize("kind", COMPUTE)
def test_the_compute_buffer_alone_stays_within_its_limit(kind: str) -> None:
    assert measured.scores(part="compute")[kind].at(0.9) <= COMPUTE[kind]


@pytest.mark.parametrize("kind", BESIDE)
def test_the_host_s_compute_buffer_beside_devices_stays_within_its_limit(kind: str) -> None:
    assert measured.scores(part="beside")[kind].at(0.9) <= BESIDE[kind]


def test_flash_attention_is_on_where_the_engine_turned_it_on() -> None:
    wrong = [r["id"] for r, memory in measured.predictions() if memory.flash_attention != r["flash_attn"]]
    assert wrong == []


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


def test_weights_on_every_device_are_exact() -> None:
    wrong = [r["id"] for r in measured.rows() if measured_parts(r, "weights") != [d.weights for d in predicted(r)]]
    assert wrong == []


def test_cache_and_state_on_every_device_are_exact() -> None:
    wrong = [r["id"] for r in measured.rows() if measured_parts(r, "context") != [d.kv for d in predicted(r)]]
    assert wrong == []


def predicted(row: measured.Row):
    return measured.predicted(row).devices


def measured_parts(row: measured.Row, part: str) -> list[int]:
    return [row[part].get(f"gpu{i}", 0) for i in range(row["settings"]["ndev"])]


@pytest.mark.parametrize(("model", "quantization"), list(measured.builds()))
def test_sizes_come_back_from_json_as_they_were(model: str, quantization: str) -> None:
    sizes = measured.sizes(model, quantization)
    assert from_json(to_json(sizes)) == sizes


def test_sizes_of_another_version_are_refused() -> None:
    stored = to_json(measured.sizes("llama-3.1-8b", "q4_k_m")) | {"version": 0}
    with pytest.raises(ValueError, match="version 0"):
        from_json(stored)


def test_a_header_without_block_count_is_refused_in_one_sentence() -> None:
    header = measured.header("llama-3.1-8b", "q4_k_m")
    del header.kv["llama.block_count"]
    try:
        with pytest.raises(ValueError, match="block count"):
            summarise(header)
    finally:
        header.kv["llama.block_count"] = 32
