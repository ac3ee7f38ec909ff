from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.placement import (
    Placed,
    as_stated,
    kv_types,
    place,
    placements,
    settings_for,
    weigh,
)
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.spec import HostSpec, Workload
from advisor.fit.units import GIB
from tests.support.builds import card, machine, pooled, sizes

LONG = Workload(context=32768)


def held(placed: Placed, host: HostSpec) -> None:
    """What no plan may ever do: take more than is available, on a device, on the host, or of a shared pool."""
    totals = [part.total for part in placed.memory.devices]
    for total, index in zip(totals, placed.devices, strict=True):
        assert total <= host.devices[index].available_bytes
    if host.ram_available_bytes is not None:
        shared = sum(t for t, i in zip(totals, placed.devices, strict=True) if host.devices[i].unified)
        assert placed.memory.host.total + shared <= host.ram_available_bytes


def test_a_build_that_fits_goes_whole_onto_one_gpu():
    placed = place(sizes("qwen3-8b"), machine(card(24)), LONG)
    assert placed.placement == "gpu"
    assert placed.settings.gpu_layers == 37
    assert placed.settings.kv_type_k == "f16"


def test_of_two_gpus_that_would_do_the_faster_is_taken():
    host = machine(card(24, 300, "slow"), card(24, 900, "fast"))
    assert place(sizes("qwen3-8b"), host, LONG).devices == (1,)


def test_a_build_too_large_for_one_gpu_is_split_over_as_few_as_hold_it():
    host = machine(card(24), card(24), card(24), card(24))
    placed = place(sizes("llama-3.3-70b-instruct"), host, Workload(context=8192))
    assert placed.placement == "gpus"
    assert len(placed.devices) == 2
    assert sum(placed.settings.tensor_split) == 81


def test_unequal_gpus_get_layers_by_their_free_memory():
    host = machine(card(24), card(12, 360))
    placed = place(sizes("qwen3-32b"), host, LONG)
    assert placed.placement == "gpus"
    assert placed.settings.tensor_split[0] > 1.5 * placed.settings.tensor_split[1]
    held(placed, host)


def test_gpus_of_two_makers_are_not_joined():
    host = machine(card(24), card(24, vendor="amd"))
    placed = place(sizes("llama-3.3-70b-instruct"), host, Workload(context=8192))
    assert placed.placement == "partial"
    assert len(placed.devices) == 1


def test_the_cache_is_packed_only_when_f16_does_not_fit():
    build = sizes("qwen3-32b")
    assert place(build, machine(card(24)), Workload(context=8192)).settings.kv_type_k == "f16"
    placed = place(build, machine(card(24)), Workload(context=24576))
    assert (placed.placement, placed.settings.kv_type_k) == ("gpu", "q8_0")


def test_experts_move_to_the_host_one_block_at_a_time_and_no_more_than_needed():
    build, host = sizes("qwen3-next-80b-a3b-instruct"), machine(card(24))
    placed = place(build, host, LONG)
    assert placed.placement == "experts_on_cpu"
    count = placed.settings.experts_on_cpu
    assert 0 < count < 48
    assert not weigh(build, host, placed.settings._replace(experts_on_cpu=count - 1), placed.devices, "x").fits


def test_partial_offload_puts_the_most_layers_that_fit_on_the_gpu():
    build, host = sizes("llama-3.3-70b-instruct"), machine(card(24))
    placed = place(build, host, Workload(context=8192))
    assert placed.placement == "partial"
    more = placed.settings._replace(gpu_layers=placed.settings.gpu_layers + 1)
    assert not weigh(build, host, more, placed.devices, "x").fits


def test_without_a_gpu_a_build_runs_on_the_cpu_or_not_at_all():
    assert place(sizes("qwen3-8b"), machine(ram=16), Workload()).placement == "cpu"
    assert place(sizes("qwen3-8b"), machine(ram=5), Workload()) is None


def test_unified_memory_is_one_pool_and_counted_once():
    build, host = sizes("qwen3-8b"), pooled(16)
    placed = place(build, host, LONG)
    together = placed.memory.devices[0].total + placed.memory.host.total
    assert placed.placement == "gpu"
    assert placed.host_margin == host.ram_available_bytes - together
    tight = replace(host, ram_available_bytes=together - 1)
    assert not weigh(build, tight, placed.settings, placed.devices, "gpu").fits


def test_without_known_ram_nothing_is_left_to_the_host():
    kinds = {p.placement for p in placements(sizes("qwen3-30b-a3b"), machine(card(24), ram=None), Workload())}
    assert kinds == {"gpu"}
    assert place(sizes("qwen3-30b-a3b"), machine(card(8), ram=None), Workload()) is None


def test_context_is_per_request_and_multiplied_by_the_slots():
    made = settings_for(sizes("qwen3-8b"), Workload(context=5000, concurrency=4))
    assert (made.context, made.slots) == (4 * 5120, 4)
    one = place(sizes("qwen3-8b"), machine(card(24)), Workload(context=4096))
    four = place(sizes("qwen3-8b"), machine(card(24)), Workload(context=4096, concurrency=4))
    assert four.memory.devices[0].kv == 4 * one.memory.devices[0].kv


def test_an_encoder_takes_its_whole_input_in_one_micro_batch():
    build = sizes("bge-large-en-v1.5")
    made = settings_for(build, Workload("embedding", context=512), embedding=True)
    assert made.embedding
    assert made.ubatch == 512
    assert kv_types(build) == ("f16",)


def test_llama_8b_with_128k_of_f16_cache_needs_more_than_16_gib():
    build, workload = sizes("llama-3.1-8b-instruct"), Workload(context=131072)
    whole = estimate_memory(build, settings_for(build, workload)._replace(devices=1, gpu_layers=33)).devices[0].total
    assert whole > 20 * GIB
    placed = place(build, machine(card(16)), workload)
    assert (placed.placement, placed.settings.kv_type_k) != ("gpu", "f16")


def test_gemma_27b_with_32k_fits_24_gib():
    placed = place(sizes("gemma-3-27b-it"), machine(card(24)), LONG)
    assert (placed.placement, placed.settings.kv_type_k) == ("gpu", "f16")


def test_stated_settings_are_weighed_as_they_are():
    build, host = sizes("qwen3-8b"), machine(card(8))
    given = Settings(context=131072, gpu_layers=37)
    placed = as_stated(build, host, given)
    assert placed.settings.context == 131072
    assert not placed.fits
    assert as_stated(build, host, Settings(tensor_split=(1.0, 1.0), gpu_layers=37)) is None


SLUGS = ("qwen3-8b", "qwen3-30b-a3b", "gemma-3-27b-it", "llama-3.3-70b-instruct", "qwen3-next-80b-a3b-instruct")
CARDS = st.builds(card, st.floats(2, 96), st.integers(100, 4000), vendor=st.sampled_from(["nvidia", "amd"]))
HOSTS = st.one_of(
    st.builds(lambda cards, ram: machine(*cards, ram=ram), st.lists(CARDS, max_size=4), st.none() | st.floats(2, 512)),
    st.builds(pooled, st.floats(8, 512)),
)


@settings(max_examples=60, deadline=None)
@given(
    host=HOSTS,
    slug=st.sampled_from(SLUGS),
    context=st.integers(256, 40_000),
    concurrency=st.integers(1, 16),
)
def test_no_placement_on_any_machine_takes_more_than_is_available(host, slug, context, concurrency):
    build: BuildSizes = sizes(slug)
    for placed in placements(build, host, Workload(context=context, concurrency=concurrency)):
        assert placed.fits
        held(placed, host)


@pytest.mark.parametrize("slug", SLUGS)
def test_each_kind_is_offered_once(slug):
    kinds = [p.placement for p in placements(sizes(slug), machine(card(24), card(24)), LONG)]
    assert len(kinds) == len(set(kinds))
