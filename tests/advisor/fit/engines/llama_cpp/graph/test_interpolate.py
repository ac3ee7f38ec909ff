"""Buffers at a context that was not traced are those that a trace of it would give."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp import memory
from advisor.fit.engines.llama_cpp.graph import interpolate
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.memo import forget
from tests.support.builds import sizes

MODELS = {
    "grouped": "qwen3-32b",
    "windowed": "gemma-3-27b-it",
    "routed": "qwen3-30b-a3b",
    "latent": "deepseek-v3",
    "recurrent": "qwen3-next-80b-a3b-instruct",
}
CONTEXTS = [512, 768, 1280, *(256 * step for step in random.Random(7).sample(range(6, 1000), 14))]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    forget()
    yield
    forget()


def layouts(of: BuildSizes) -> Iterator[Settings]:
    blocks = len(of.layers)
    halves = (float(blocks // 2), float(blocks + 1 - blocks // 2))
    for kv in ("f16", "q8_0"):
        common = Settings(context=1, kv_type_k=kv, kv_type_v=kv, devices=1, gpu_layers=blocks + 1)
        yield common
        yield common._replace(devices=2, tensor_split=halves)
        yield common._replace(gpu_layers=blocks // 2)
        yield common._replace(devices=0, gpu_layers=0)
        if of.experts:
            yield common._replace(devices=2, tensor_split=halves, experts_on_cpu=blocks // 3)


@pytest.mark.parametrize("attention", MODELS)
def test_a_context_between_others_has_the_buffers_that_its_own_trace_gives(
    attention: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, traced = sizes(MODELS[attention]), []
    monkeypatch.setattr(interpolate, "steps", lambda *given, real=interpolate.steps: traced.append(1) or real(*given))
    for settings in layouts(of):
        asked = [settings._replace(context=context) for context in CONTEXTS]
        before = len(traced)
        together = {one: memory.estimate_memory(of, one) for one in asked}
        assert len(traced) - before <= 4  # one layout a stretch between windows, however many contexts
        for one in asked:
            forget()
            assert memory.estimate_memory(of, one) == together[one]
        forget()


def test_threads_share_a_program() -> None:
    of = sizes(MODELS["routed"])
    asked = [layout._replace(context=256 * n) for layout in list(layouts(of))[2:5] for n in range(8, 72)]
    alone = {one: memory.estimate_memory(of, one) for one in asked}
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(3):
            forget()
            with ThreadPoolExecutor(8) as threads:
                found = list(threads.map(lambda one: memory.estimate_memory(of, one), asked))
            assert found == list(alone.values())
    finally:
        sys.setswitchinterval(before)
