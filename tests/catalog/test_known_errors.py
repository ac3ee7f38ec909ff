"""Facts that other catalogs have wrong, each held right here. What they say stands beside what is so."""

from __future__ import annotations

import pytest

from catalog import seed
from hardware.gpus import AmbiguousGpu, UnknownGpu, lookup

GB_S = 10**9


def model(slug: str) -> dict:  # type: ignore[type-arg]
    return seed.read(seed.DATA / "models" / f"{slug}.json")


@pytest.mark.parametrize(
    ("slug", "billions", "elsewhere"),
    [
        ("gpt-oss-120b", 5.1, 9.3),
        ("deepseek-v3.1", 37, 54.6),
        ("kimi-k2-instruct-0905", 32, 71.6),
        ("minimax-m2", 10, 18.2),
        ("ling-1t", 50, 79.7),
        ("hy3", 21, 26.8),
        ("inkling", 41, 68.8),
        ("trinity-large-thinking", 13, 25.8),
        ("granite-4.0-h-small", 8.8, 5.9),
    ],
)
def test_active_parameters_count_shared_experts_and_latent_attention(slug: str, billions: float, elsewhere: float):
    active = model(slug)["parameters_active"] / 1e9
    assert active == pytest.approx(billions, rel=0.05)
    assert abs(active - billions) < abs(active - elsewhere) / 4


@pytest.mark.parametrize(
    ("slug", "tokens"),
    [
        ("llama-3.1-8b-instruct", 131072),  # 1M
        ("gemma-3-27b-it", 131072),  # 1M
        ("gemma-2-27b-it", 8192),  # 4096, as for every gated repository
        ("mistral-large-instruct-2407", 131072),  # 4096
        ("deepseek-coder-33b-instruct", 16384),  # 65,536: a scaled rope counted twice
        ("internlm3-8b-instruct", 32768),  # 196,608
    ],
)
def test_a_context_is_what_the_configuration_says(slug: str, tokens: int):
    assert model(slug)["context_length"] == tokens


@pytest.mark.parametrize(
    ("slug", "date"),
    [
        ("mistral-large-3-675b-instruct-2512", "2025-12-02"),  # 2024-11-01
        ("qwen3-0.6b", "2025-04-29"),  # 2025-04-19, the day of the upload
        ("gemma-4-31b-it", "2026-04-02"),  # 2026-03-11, when the repository was made
    ],
)
def test_a_release_is_the_day_of_its_publication(slug: str, date: str):
    assert model(slug)["released"] == date


def test_totals_are_not_doubled():
    assert model("nvidia-nemotron-nano-12b-v2")["parameters_total"] == pytest.approx(12.3e9, rel=0.01)  # 24.75B


def test_latent_attention_has_no_head_size_of_its_own():
    facts = model("deepseek-v3")["architecture"]  # 56 elsewhere: hidden size by heads
    assert (facts["head_dim"], facts["kv_lora_rank"], facts["qk_rope_head_dim"]) == (None, 512, 64)


@pytest.mark.parametrize(
    ("name", "bandwidth", "gib"),
    [
        ("RX 9070", 640, 16),  # 560
        ("H100 SXM", 3350, 80),  # one figure for all three
        ("H100 PCIe", 2039, 80),
        ("H100 NVL", 3938, 94),
        ("MI300X", 5300, 192),  # 10,300
        ("MI325X", 6000, 256),  # 10,300 and 288 GB
        ("B200", 7700, 180),  # 4,100 and 90 GB: one of its two dies
    ],
)
def test_a_card_is_counted_whole_and_by_its_own_memory(name: str, bandwidth: int, gib: int):
    spec = lookup(name)
    assert spec.memory_bandwidth == pytest.approx(bandwidth * GB_S, rel=0.04)
    assert spec.nominal_bytes >> 30 == gib


def test_consumer_blackwell_is_not_the_data_centre_one():
    assert lookup("RTX 5090").compute_capability == "12.0"  # 10.0
    assert lookup("B200").compute_capability == "10.0"


def test_a_chip_that_was_never_sold_is_unknown():
    with pytest.raises((UnknownGpu, AmbiguousGpu)):
        lookup("M4 Ultra")
