from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.speed import estimate_speed
from advisor.fit.spec import HostSpec, Speed
from advisor.fit.speed.efficiency import Rate
from advisor.fit.speed.roofline import Step, decode_seconds, experts_touched, prefill_seconds
from tests.support.layers import CARD, DENSE, HOST, LAYER, WHOLE

GIB = 2**30
EXPERT_LAYER = replace(LAYER, device=20 * 2**20, experts_device=320 * 2**20, experts_host=320 * 2**20)
SPARSE = replace(
    DENSE,
    layers=(EXPERT_LAYER,) * 32,
    experts=128,
    experts_used=8,
    active_bytes=(20 * 32 + 400 + 20 * 32) * 2**20,
    active_parameters=3_100_000_000,
)


def on_card(sizes: BuildSizes = DENSE, settings: Settings = WHOLE, host: HostSpec = HOST) -> Speed:
    return estimate_speed(sizes, settings, host, tuple(range(settings.devices)))


def test_decode_never_exceeds_what_the_memory_can_deliver() -> None:
    peak = CARD.memory_bandwidth / DENSE.active_bytes
    assert 0.4 * peak < on_card().decode.mid < peak


def test_a_deeper_context_slows_decode_by_the_cache_it_reads() -> None:
    shallow = on_card(settings=WHOLE._replace(context=256)).decode.mid
    deep = on_card(settings=WHOLE._replace(context=131_072)).decode.mid
    assert deep < shallow / 2


def test_a_window_bounds_the_cache_that_a_deep_context_reads() -> None:
    windowed = replace(DENSE, layers=(replace(LAYER, window=1024),) * 32)
    at_window = on_card(windowed, WHOLE._replace(context=1024)).decode.mid
    assert on_card(windowed, WHOLE._replace(context=131_072)).decode.mid == pytest.approx(at_window)


def test_a_quantized_cache_is_read_faster() -> None:
    deep = WHOLE._replace(context=65_536)
    packed = deep._replace(kv_type_k="q8_0", kv_type_v="q8_0")
    assert on_card(settings=packed).decode.mid > 1.2 * on_card(settings=deep).decode.mid


def test_only_chosen_experts_are_read_for_one_token() -> None:
    everything = sum(layer.device + layer.experts_device for layer in SPARSE.layers)
    assert on_card(SPARSE).decode.mid > 1.5 * CARD.memory_bandwidth / everything


def test_more_streams_touch_more_experts_up_to_all_of_them() -> None:
    step = Step(0, 1, 0, 0, 0, 0, 0, experts_total=128.0, experts_used=8.0)
    grown = [float(experts_touched(step, n)) for n in (1, 2, 16, 10_000)]
    assert grown[0] == pytest.approx(1)
    assert grown == sorted(grown)
    assert grown[-1] == pytest.approx(16)


def test_slots_share_the_reading_of_weights_so_that_all_together_are_faster_and_each_is_slower() -> None:
    one = on_card(settings=WHOLE._replace(context=2048))
    eight = on_card(settings=WHOLE._replace(context=2048 * 8, slots=8))
    assert eight.decode.mid < one.decode.mid < 8 * eight.decode.mid
    assert eight.at_context == one.at_context == 2048


def test_layers_on_the_cpu_cost_what_its_memory_cannot_deliver() -> None:
    half = on_card(settings=WHOLE._replace(gpu_layers=16))
    none = estimate_speed(DENSE, Settings(context=8192), HOST, ())
    assert none.decode.mid < half.decode.mid < on_card().decode.mid / 3
    assert half.basis == none.basis == "roofline"


def test_experts_on_the_cpu_are_slower_than_all_on_the_card_and_faster_than_all_on_the_cpu() -> None:
    apart = on_card(SPARSE, WHOLE._replace(experts_on_cpu=32)).decode.mid
    assert estimate_speed(SPARSE, Settings(context=8192), HOST, ()).decode.mid < apart < on_card(SPARSE).decode.mid


def test_two_cards_in_sequence_are_no_faster_than_one() -> None:
    two = on_card(settings=WHOLE._replace(devices=2)).decode.mid
    assert two == pytest.approx(on_card().decode.mid, rel=0.05)
    assert two <= on_card().decode.mid


def test_the_first_token_waits_for_the_whole_prompt() -> None:
    speed = estimate_speed(DENSE, WHOLE, HOST, (0,), prompt_tokens=4096)
    assert speed.first_token.mid == pytest.approx(4096 / speed.prefill.mid)
    assert speed.first_token.low < speed.first_token.mid < speed.first_token.high
    assert estimate_speed(DENSE, WHOLE, HOST, (0,), prompt_tokens=512).first_token.mid < speed.first_token.mid


def test_prefill_of_experts_is_limited_by_arithmetic_of_the_active_ones() -> None:
    assert on_card(SPARSE).prefill.mid > on_card(DENSE).prefill.mid


def test_closed_forms_take_arrays_and_agree_with_numbers() -> None:
    rate = Rate(8e11, 6e11, 5e11, 8e13, 5e13, 5e13, 1e-4, 1e-5)
    dense = np.array([1e9, 4e9, 2e10])
    many = Step(dense, 0 * dense, dense / 10, 0 * dense + 32, 2 * dense, 0 * dense, 0 * dense)
    decode = decode_seconds(many, rate, np.array([1.0, 4.0, 16.0]))
    prefill = prefill_seconds(many, rate, 4096.0, 512)
    for i, streams in enumerate((1.0, 4.0, 16.0)):
        one = Step(dense[i], 0.0, dense[i] / 10, 32.0, 2 * dense[i], 0.0, 0.0)
        assert decode[i] == pytest.approx(decode_seconds(one, rate, streams))
        assert prefill[i] == pytest.approx(prefill_seconds(one, rate, 4096.0, 512))


def test_an_unmeasured_card_is_called_roofline_and_has_a_wider_range() -> None:
    unknown = replace(CARD, name="NVIDIA GeForce RTX 4060 Ti")
    known, guessed = on_card(), on_card(host=replace(HOST, devices=(unknown,)))
    assert (known.basis, guessed.basis) == ("calibrated", "roofline")
    assert guessed.decode.high / guessed.decode.low > known.decode.high / known.decode.low


def test_each_stream_reads_its_own_cache() -> None:
    rate = Rate(1e12, 1e12, 1e12, 1e30, 1e30, 1e30, 0.0, 0.0)
    step = Step(1e9, 0.0, 2e9, 0.0, 0.0, 0.0, 0.0)
    assert decode_seconds(step, rate, 4.0) == pytest.approx((1e9 + 4 * 2e9) / 1e12)


def test_a_prompt_reads_the_weights_once_per_micro_batch() -> None:
    rate = Rate(1e12, 1e12, 1e12, 1e30, 1e30, 1e30, 0.0, 0.0)
    step = Step(1e9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert prefill_seconds(step, rate, 1025, 512) == pytest.approx(3e9 / 1e12)
