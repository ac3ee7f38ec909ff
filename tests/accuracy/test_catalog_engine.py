"""Compute buffers of every architecture of the catalog against the installed engine's own plan, live, on the CPU.

Left out: Gemma 4, whose per-layer rows the installed build looks up first (ggml-org/llama.cpp pull request 30160), so
that its compute buffer is another than that of the build the sums are of; `test_engine.py` has it.
"""

from __future__ import annotations

import pytest

from advisor.engines.dry_run import PARTS
from advisor.fit.build import BuildSizes, Header
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from tests.support import derived, opened
from tests.support.every_row import every_row

Planned = dict[str, int] | str
PERCENT = 0.1
ROUNDED = 1 << 13  # the engine's log tells output rows to a hundredth of a MiB
SETTINGS = (
    Settings(context=8192),
    Settings(context=4096, flash_attention=False, slots=2),
    Settings(context=16384, kv_type_k="q8_0", kv_type_v="q8_0", unified=True, slots=3),  # no divisor of the batch
    Settings(context=12000, ubatch=256),
)
MODELS = (
    *("trinity-mini", "apertus-8b-instruct-2509", "ling-mini-2.0", "ling-3.0-flash", "glm-4-9b-chat-hf"),
    *("c4ai-command-r7b-12-2024", "north-mini-code-1.0", "aya-expanse-8b", "deepseek-coder-v2-lite-instruct"),
    *("deepseek-v3.2", "dots3-note-prev", "dots.llm1.inst", "ernie-4.5-21b-a3b-pt", "exaone-4.0-1.2b"),
    *("falcon-h1-7b-instruct", "gemma-2-2b-it", "gemma-3-270m-it", "gemma-3n-e2b-it", "gemma-3n-e4b-it", "glm-5"),
    *("glm-4-9b-0414", "glm-4.5-air", "gpt-oss-20b", "granite-4.1-3b", "granite-4.0-h-micro", "hunyuan-7b-instruct"),
    *("hunyuan-a13b-instruct", "hy3", "ai21-jamba-reasoning-3b", "kimi-linear-48b-a3b-instruct", "laguna-xs-2.1"),
    *("lfm2.5-230m", "lfm2-8b-a1b", "llama-3.2-1b-instruct", "llama-4-maverick-17b-128e-instruct", "mimo-v2-flash"),
    *("minimax-m2", "mistral-medium-3.5-128b", "muse-glimmer-30b", "nvidia-nemotron-3-nano-4b-bf16"),
    *("olmo-2-1124-7b-instruct", "olmoe-1b-7b-0924-instruct", "phi-4-mini-instruct", "phi-3.5-moe-instruct"),
    *("qwen2.5-0.5b-instruct", "qwen2.5-vl-3b-instruct", "qwen3-0.6b", "qwen3.5-0.8b", "qwen3.6-35b-a3b"),
    *("qwen3-30b-a3b", "qwen3-coder-next", "hermes-4.3-36b", "starcoder2-15b-instruct-v0.1", "step-3.5-flash"),
    *("glm-5.2", "qwen3-vl-2b-instruct", "qwen3-vl-30b-a3b-instruct", "nvidia-nemotron-3-super-120b-a12b-bf16"),
)
ASKED = {slug: SETTINGS[i % len(SETTINGS)] for i, slug in enumerate(MODELS)}


@pytest.fixture(scope="module")
def headers() -> dict[str, Header]:
    return derived.headers(MODELS)


@pytest.fixture(scope="module")
def plans(headers: dict[str, Header], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Planned]:
    """By slug, what the engine plans in bytes by part, or why it does not."""
    folder = tmp_path_factory.mktemp("hollow")
    answers = opened.ask([(opened.write(folder / slug, head), ASKED[slug]) for slug, head in headers.items()])
    return {
        slug: said if isinstance(said, str) else {part: sum(x[part] for x in said.values()) for part in PARTS}
        for slug, said in zip(headers, answers, strict=True)
    }


def test_every_model_takes_what_the_engine_plans_for_it(headers: dict[str, Header], plans: dict[str, Planned]) -> None:
    with every_row() as row:
        for slug in MODELS:
            with row(slug):
                demand_equal(summarise(headers[slug]), ASKED[slug], plans[slug])


def demand_equal(sizes: BuildSizes, settings: Settings, plan: Planned) -> None:
    assert sizes.graph["traced"]
    assert isinstance(plan, dict), plan
    found = estimate_memory(sizes, settings).host
    assert (found.weights, found.kv) == (plan["weights"], plan["kv"])
    assert abs(found.compute - plan["compute"]) <= plan["compute"] * PERCENT / 100 + ROUNDED
