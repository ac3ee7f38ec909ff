"""Programs that run llama.cpp inside: the settings it gets there, and what the same file then takes."""

from __future__ import annotations

import pytest

from advisor.fit.engines.llama_cpp.defaults import products, taken
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.spec import Device, HostSpec
from tests.accuracy import measured

GIB = 1 << 30
OLLAMA, LM_STUDIO = products()["ollama"], products()["lm-studio"]
SIZES = measured.sizes("qwen3-0.6b", "q4_k_m")


def host(*gib: int) -> HostSpec:
    return HostSpec(tuple(Device(f"GPU {size}", size * GIB, size * GIB) for size in gib), 64 * GIB, 60 * GIB)


@pytest.mark.parametrize(("gib", "tokens"), [(0, 4096), (16, 4096), (24, 32768), (46, 32768), (48, 262144)])
def test_ollama_takes_its_context_from_the_gpu_memory_there_is(gib: int, tokens: int) -> None:
    assert OLLAMA.tokens(gib * GIB) == tokens
    assert OLLAMA.tokens(gib * GIB, limit=40960) == min(tokens, 40960)
    assert LM_STUDIO.tokens(gib * GIB) == 4096


def test_each_asks_llama_cpp_for_slots_cache_and_batches_of_its_own() -> None:
    short = Settings(context=4096, batch=512, ubatch=512)
    assert OLLAMA.settings(4096) == short
    assert OLLAMA.settings(32768) == short._replace(context=32768, batch=1024, ubatch=1024)
    assert OLLAMA.settings(32769) == short._replace(context=32769, batch=2048, ubatch=2048)
    assert LM_STUDIO.settings(4096) == Settings(4096, slots=4, unified=True, flash_attention=True)


def test_the_same_file_takes_what_the_sums_say_for_those_settings() -> None:
    small, two = taken(OLLAMA, SIZES, host(16), 40960), taken(OLLAMA, SIZES, host(24, 24), 40960)
    assert (small.context, two.context) == (4096, 40960)
    for found, ubatch in ((small, 512), (two, 2048)):
        settings = Settings(found.context, gpu_layers=len(SIZES.layers) + 1, devices=1, batch=ubatch, ubatch=ubatch)
        buffers = estimate_memory(SIZES, settings).devices[0].total
        assert 0 < found.bytes - buffers < GIB  # the rest lies outside the engine's buffers
    cpu = taken(LM_STUDIO, SIZES, host(), 40960)
    assert 0 <= cpu.bytes - estimate_memory(SIZES, LM_STUDIO.settings(4096)).host.total < GIB


def test_every_default_names_where_and_when_it_was_read() -> None:
    for product in products().values():
        assert all(source.startswith("github:") for source in product.sources)
        assert product.date >= "2026-08-21"
        assert product.context[-1]["gib"] == product.batch[-1]["above"] == 0
