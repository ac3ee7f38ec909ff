from __future__ import annotations

import pytest

from advisor.fit.build import LayerSizes
from advisor.fit.engines.llama_cpp.kv_cache import Cells, cells, layer_bytes
from advisor.fit.engines.llama_cpp.settings import Settings

FULL = LayerSizes(device=0, host=0, k_elements=1024, v_elements=1024)
WINDOWED = LayerSizes(device=0, host=0, k_elements=1024, v_elements=1024, window=1024)


def held(layer: LayerSizes, settings: Settings, **more: int) -> int:
    return layer_bytes(layer, cells(settings, causal=True), settings, **more)


@pytest.mark.parametrize(
    ("settings", "tokens", "streams"),
    [
        (Settings(context=4096), 4096, 1),
        (Settings(context=4000), 4096, 1),  # in steps of 256
        (Settings(context=8192, slots=3), 2816, 3),  # 2,730 each, in steps of 256
        (Settings(context=8192, slots=3, unified=True), 8192, 1),
    ],
)
def test_the_context_is_divided_among_the_slots_and_rounded_up(settings: Settings, tokens: int, streams: int) -> None:
    found = cells(settings, causal=True)
    assert (found.full, found.streams) == (tokens, streams)


@pytest.mark.parametrize(
    ("settings", "causal", "ubatch"),
    [
        (Settings(context=8192), True, 512),
        (Settings(context=8192, batch=256), True, 256),
        (Settings(context=128), True, 128),  # no larger than what it may ever see
        (Settings(context=128), False, 512),
    ],
)
def test_a_micro_batch_is_no_larger_than_batch_and_context(settings: Settings, causal: bool, ubatch: int) -> None:
    assert cells(settings, causal).ubatch == ubatch


def test_the_largest_batch_has_as_many_rows_for_each_slot() -> None:
    assert Cells(full=0, streams=3, ubatch=512, slots=3, unified=False, swa_full=False).tokens == 513


def test_keys_and_values_of_every_token_take_their_types() -> None:
    assert held(FULL, Settings(context=4096)) == 4096 * (1024 + 1024) * 2
    assert held(FULL, Settings(context=4096, kv_type_v="q8_0")) == 4096 * (1024 * 2 + 1024 * 34 // 32)


def test_a_window_keeps_itself_and_one_micro_batch() -> None:
    assert held(WINDOWED, Settings(context=32768)) == (1024 + 512) * 2048 * 2
    assert held(WINDOWED, Settings(context=512)) == 512 * 2048 * 2  # never more than there is
    assert held(WINDOWED, Settings(context=32768, swa_full=True)) == held(FULL, Settings(context=32768))


def test_a_shared_cache_holds_a_window_for_each_slot() -> None:
    apart, shared = (Settings(context=65536, slots=4, unified=unified) for unified in (False, True))
    assert cells(apart, causal=True).of(1024) * 4 == 4 * (1024 + 512)
    assert cells(shared, causal=True).of(1024) == 4 * 1024 + 512


def test_without_flash_attention_values_are_as_wide_as_the_widest_block() -> None:
    assert held(FULL, Settings(context=256), widest_v=4096) == 256 * (1024 + 4096) * 2


def test_a_state_is_kept_per_slot_whatever_the_context() -> None:
    state = LayerSizes(device=0, host=0, state_conv=100, state_ssm=1000)
    for context in (512, 65536):
        assert held(state, Settings(context=context, slots=3)) == 3 * 1100 * 4


def test_latent_attention_keeps_keys_alone() -> None:
    latent = LayerSizes(device=0, host=0, k_elements=576)
    assert held(latent, Settings(context=4096)) == 4096 * 576 * 2
