"""Facts that other catalogs have wrong, each held right here. What they say stands beside what is so."""

from __future__ import annotations

import re

import pytest

from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.vllm.capacity import capacity
from advisor.fit.engines.vllm.config import read_config
from advisor.fit.engines.vllm.loaded_weights import weight_bytes
from advisor.fit.engines.vllm.serve_options import Serve
from advisor.fit.sizes_json import from_json
from catalog import seed
from hardware.reference import AmbiguousGpu, UnknownGpu, lookup
from tests.accuracy import vllm_rows
from tests.support.every_row import for_every

GB_S = 10**9
# Repositories that answer 401 without an account: what is not read there is not 4096 tokens.
GATED = {
    path.stem: seed.read_seed(path)
    for path in (seed.DATA / "models").glob("*.json")
    if re.match(
        r"(meta-)?llama-(3|4)|gemma-[23]|c4ai-command|command-a|mistral-large-instruct|inkling|kimi-linear", path.stem
    )
}


def model(slug: str) -> dict:  # type: ignore[type-arg]
    return seed.read_seed(seed.DATA / "models" / f"{slug}.json")


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


@for_every(GATED)
def test_a_gated_model_is_known_and_not_given_4096_tokens_and_no_architecture(slug: str, known: dict):  # type: ignore[type-arg]
    assert known["context_length"] >= 8192
    assert known["architecture"]["n_layers"]
    assert known["architecture"]["hidden"]


@pytest.mark.parametrize(
    ("slug", "date"),
    [
        ("mistral-large-3-675b-instruct-2512", "2025-12-02"),  # 2024-11-01
        ("qwen3-0.6b", "2025-04-29"),  # 2025-04-19, the day of the upload
        ("gemma-4-31b-it", "2026-04-02"),  # 2026-03-11, when the repository was made
        ("kimi-k3", "2026-07-27"),  # 2026-06-13, when the repository was made
        ("qwen3-coder-480b-a35b-instruct", "2025-07-22"),  # 2025-04, the month in which Qwen3 came out
    ],
)
def test_a_release_is_the_day_of_its_publication(slug: str, date: str):
    assert model(slug)["released"] == date


@pytest.mark.parametrize(
    ("slug", "billions"),
    [
        ("nvidia-nemotron-nano-12b-v2", 12.3),  # 24.75
        ("ling-3.0-flash", 127.5),  # 30,000: the tokens of its training, out of the name of its base
    ],
)
def test_totals_are_not_doubled_or_read_out_of_a_name(slug: str, billions: float):
    assert model(slug)["parameters_total"] == pytest.approx(billions * 1e9, rel=0.01)


@pytest.mark.parametrize("slug", ["deepseek-v3", "kimi-k3"])  # 56 and 74 elsewhere: hidden size by heads
def test_latent_attention_has_no_head_size_of_its_own(slug: str):
    facts = model(slug)["architecture"]
    assert (facts["head_dim"], facts["kv_lora_rank"], facts["qk_rope_head_dim"]) == (None, 512, 64)


def test_grouped_keys_are_counted_as_stated():
    assert model("step-3.7-flash")["architecture"]["n_kv_heads"] == 8  # 64


def test_the_width_of_experts_is_stated_of_models_with_experts_only():
    for path in (seed.DATA / "models").glob("*.json"):
        facts = seed.read_seed(path)["architecture"] or {}
        assert facts.get("n_experts") or not facts.get("moe_ffn"), path.stem


@pytest.mark.parametrize(
    ("slug", "gigabytes"),
    [
        ("meta-llama-3-8b-instruct", 4.92),  # 4.58 GiB in the engine's own log; 4.1 GiB of VRAM stated elsewhere
        ("meta-llama-3-70b-instruct", 42.5),  # 36.1
    ],
)
def test_memory_is_never_less_than_the_weights(slug: str, gigabytes: float):
    builds = seed.read_seed(seed.DATA / "builds" / f"{slug}.json")["builds"]
    build = next(build for build in builds if build["quantization"] == "Q4_K_M")
    assert build["bytes"] == pytest.approx(gigabytes * GB_S, rel=0.01)
    sizes = from_json(build["sizes"])
    need = estimate_memory(sizes, Settings(context=8192, gpu_layers=len(sizes.layers) + 1, devices=1))
    cache = 8192 * 2 * 2 * sizes.kv_heads * sizes.head_dim * len(sizes.layers)
    assert need.total > build["bytes"] + cache


@pytest.mark.parametrize(
    ("slug", "benchmark", "value"),
    [
        ("gemma-4-e4b-it", "AIME 2026", 42.5),  # 62 on pages that sum up other pages
        ("qwen3.5-9b", "GPQA Diamond", 81.7),  # 52.1
    ],
)
def test_a_score_is_the_one_on_the_makers_card_and_says_that_it_is_the_makers(slug: str, benchmark: str, value: float):
    found = [row for row in model(slug)["evidence"] if row["benchmark"].startswith(benchmark)]
    assert [(row["value"], row["third_party"]) for row in found] == [(value, False)]


def test_every_figure_of_every_model_has_a_benchmark_a_date_or_version_and_a_source():
    for path in (seed.DATA / "models").glob("*.json"):
        for row in seed.read_seed(path)["evidence"]:  # no blend of anybody's own making
            assert row["source"], path.stem
            assert row["source_licence"], path.stem
            assert row["version"] or row["date"], (path.stem, row["benchmark"])


@pytest.mark.parametrize(
    ("name", "bandwidth", "gib"),
    [
        ("RX 9070", 640, 16),  # 560
        ("H100 SXM", 3350, 80),  # one figure for all three
        ("H100 PCIe", 2039, 80),
        ("H100 NVL", 3938, 94),
        ("MI300X", 5300, 192),  # 10,300
        ("MI325X", 6000, 256),  # 10,300 and 288 GB
        ("MI308X", 5300, 192),  # 10,300
        ("MI300A", 5300, 128),  # 10,300
        ("B200", 7700, 180),  # 4,100 and 90 GB: one of its two dies
        ("B300", 8000, 288),  # 4,100 and 144 GB
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


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        ("R:Meta-Llama-3.1-8B", 131072),  # a cache as large as the weights
        ("R:Qwen3-8B", 40960),
    ],
)
def test_memory_of_vllm_grows_with_the_context(name: str, longest: int):
    # recipes elsewhere state the checkpoint times 1.2, whatever the context
    reading, card = read_config(vllm_rows.configs()[name]), vllm_rows.CARDS["h100"]
    rest = weight_bytes(reading, 1) // 5
    assert capacity(reading, Serve(max_model_len=8192), card, rest).starts
    far = capacity(reading, Serve(max_model_len=longest), card, rest)
    assert not far.starts
    assert far.needed_bytes > 1.5 * rest
    assert 8192 < far.largest_max_model_len < longest
