from __future__ import annotations

import pytest

from advisor.estimates import benchmark_names


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("unsloth/Qwen3-32B-GGUF", "qwen3-32b"),
        ("Qwen3-32B-Q8_0", "qwen3-32b"),
        ("qwen3:32b", "qwen3-32b"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "meta-llama-3-8b-instruct"),
        ("Llama 3.2:3b", "llama-3.2-3b-instruct"),
        ("DeepSeek R1 14b", "deepseek-r1-distill-qwen-14b"),
        ("gpt-oss-20b-MXFP4.gguf", "gpt-oss-20b"),
        ("gemma-4-12b-it-Q6_K.gguf", "gemma-4-12b-it"),
        ("llmfan46/Qwen3.6-35B-A3B-uncensored-heretic", "qwen3.6-35b-a3b"),
    ],
)
def test_one_model_goes_by_the_names_of_files_repositories_and_tags(name: str, slug: str) -> None:
    entry = benchmark_names.model_named(name)
    assert entry is not None
    assert entry["slug"] == slug


@pytest.mark.parametrize(
    "name",
    [
        "",
        "someone/New-Model-9B",
        "Qwen3.5",  # which size?
        "Jackrong/Qwopus3.6-35B-A3B-Coder-MTP-GGUF",  # drafts its own tokens
        "Ternary-Bonsai-8B-F16.gguf",
        "cerebras/Qwen3-Coder-REAP-25B-A3B",  # experts removed
    ],
)
def test_a_model_of_another_make_is_not_taken_for_one_of_the_catalog(name: str) -> None:
    assert benchmark_names.model_named(name) is None


@pytest.mark.parametrize(
    ("text", "model", "mix"),
    [
        ("Q4_K_M", "qwen3-32b", "Q4_K_M"),
        ("GGUF UD-Q4_K_XL", "qwen3-32b", "Q4_K_M"),
        ("awq-int4", "gemma-4-12B-it-AWQ-INT4", "Q4_K_M"),
        ("MLX 4bit", "Gemma4-E2B", "Q4_K_M"),
        ("fp8", "Qwen/Qwen3-32B-FP8", "Q8_0"),
        ("exl3-6.0bpw-mcg", "Qwen3.6-27B-exl3-6.0bpw", "Q6_K"),
        ("NVFP4", "nvidia/Qwen3-32B-NVFP4", "IQ4_XS"),
        ("", "Qwen3-32B-Q8_0", "Q8_0"),
        ("", "qwen3:32b", "Q4_K_M"),
        ("Q4_K_M (ollama default) / MXFP4 for gpt-oss", "Llama 3.2:3b", "Q4_K_M"),
        ("Q4_K_M (ollama default) / MXFP4 for gpt-oss", "gpt-oss 20b", "MXFP4"),
        ("F16", "gpt-oss-20b-F16", "MXFP4"),
        ("IQ1_M", "Qwen3-235B-A22B-UD-IQ1_M", None),
        ("", "Qwen/Qwen3-32B", None),
    ],
)
def test_a_quantization_stands_for_the_mix_whose_bytes_come_closest(text: str, model: str, mix: str | None) -> None:
    assert benchmark_names.quantization(text, model) == mix


def test_what_a_server_of_published_weights_loads_when_nothing_is_named_is_what_is_published() -> None:
    assert benchmark_names.as_published("vllm")
    assert not benchmark_names.as_published("llama.cpp")
    for name, mix in (
        ("Qwen/Qwen3-32B", "BF16"),
        ("deepseek-ai/DeepSeek-V3", "Q8_0"),
        ("openai/gpt-oss-120b", "MXFP4"),
    ):
        assert benchmark_names.quantization("", name, benchmark_names.model_named(name)) == mix


@pytest.mark.parametrize(
    ("name", "model", "engine"),
    [
        ("ollama/llama.cpp", "qwen3:32b", "llama.cpp"),
        ("ollama", "qwen3:32b", "llama.cpp"),
        ("ollama", "gemma4:e4b-mlx", "mlx"),
        ("llama.cpp Vulkan (Pi 5 host)", "", "llama.cpp"),
        ("vllm-mlx", "", "mlx"),
        ("mlx-lm", "", "mlx"),
        ("mlx-vlm", "", "mlx-vlm"),
        ("exllamav3", "", "exllama"),
        ("vllm", "", "vllm"),
        ("dflash", "", None),
    ],
)
def test_an_engine_is_the_one_whose_kernels_do_the_work(name: str, model: str, engine: str | None) -> None:
    assert benchmark_names.engine_named(name, model) == engine


@pytest.mark.parametrize(
    ("name", "cards"),
    [
        ("RTX 3090", {"NVIDIA GeForce RTX 3090"}),
        ("3080 Ti", {"NVIDIA GeForce RTX 3080 Ti"}),
        ("Intel 13900K (Nvidia 5090)", {"NVIDIA GeForce RTX 5090"}),
        ("M1 Ultra (48 GPU Core) 64GB", {"Apple M1 Ultra"}),
        ("AMD Radeon 8060S (Strix Halo, Ryzen AI MAX+ 395)", {"AMD Radeon 8060S"}),
        ("H100", {"NVIDIA H100 PCIe 80GB", "NVIDIA H100 SXM5 80GB", "NVIDIA H100 NVL 94GB"}),
        ("RTX 9999", set()),
        ("", set()),
    ],
)
def test_an_accelerator_is_found_beside_the_machine_that_it_is_in(name: str, cards: set[str]) -> None:
    found = benchmark_names.accelerators(name)
    assert {card.name for card in found} == cards
    assert [card.memory_bandwidth for card in found] == sorted(card.memory_bandwidth for card in found)


def test_a_processor_is_one_only_when_no_gpu_is_named_beside_it() -> None:
    assert benchmark_names.is_processor("AMD Ryzen 7 7840HS")
    assert not benchmark_names.is_processor("AMD Ryzen 7 8745H w/ Radeon 780M Graphics")
    assert not benchmark_names.is_processor("Intel 13900K (Nvidia 5090)")
    assert benchmark_names.processor("AMD Ryzen 7 7840HS") == (8, 89_600_000_000)
    assert benchmark_names.processor("AMD Ryzen 9 9999X") is None
