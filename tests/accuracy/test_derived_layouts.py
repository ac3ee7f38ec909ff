"""Layouts from configurations, opened by the installed engine: it asks for the tensors, and allocates what they take.

One of each kind that once was not as the engine has it; `bench/layouts.py` opens all of the catalog.
"""

from __future__ import annotations

import pytest

from tests.support import derived
from tests.support.derived import Opened

# slug -> tensors that llama.cpp b11549 found in the file, all that it asked for
TENSORS = {
    "bge-m3": 389,
    "deepseek-v3.2": 1391,
    "dots3-note-prev": 983,
    "embeddinggemma-300m": 314,
    "ernie-4.5-21b-a3b-pt": 389,
    "gemma-3n-e2b-it": 727,
    "gemma-4-26b-a4b-it": 658,
    "glm-5": 1782,
    "glm-5.2": 1497,
    "hy3": 1278,
    "kimi-linear-48b-a3b-instruct": 610,
    "ling-1t": 1103,
    "mimo-v2-flash": 577,
    "nemotron-cascade-2-30b-a3b": 401,
    "north-mini-code-1.0": 442,
    "nvidia-nemotron-3-nano-4b-bf16": 263,
    "nvidia-nemotron-3-super-120b-a12b-bf16": 763,
    "nvidia-nemotron-nano-12b-v2": 369,
    "qwen2.5-vl-3b-instruct": 434,
    "qwen3-vl-2b-instruct": 310,
    "qwen3-vl-30b-a3b-instruct": 579,
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Opened]:
    results = derived.compared(derived.headers(TENSORS), tmp_path_factory.mktemp("hollow"))
    return {found.slug: found for found in results}


def test_the_engine_finds_every_tensor_that_it_asks_for_and_no_other(opened: dict[str, Opened]) -> None:
    assert {slug: found.refused for slug, found in opened.items() if found.refused} == {}
    assert {slug: found.tensors for slug, found in opened.items()} == TENSORS


def test_and_plans_the_weights_and_the_cache_of_the_sums_to_the_byte(opened: dict[str, Opened]) -> None:
    parts = ("weights", "kv")
    wrong = {slug: found.errors for slug, found in opened.items() if found.errors.keys() & set(parts)}
    assert wrong == {}
