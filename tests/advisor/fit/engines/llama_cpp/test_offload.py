"""The search for how much goes to the host finds what trying every number would."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.fit.allowances import device_overhead
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.offload import Offload, searched
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.spec import HostSpec
from tests.support.builds import card, machine, pooled, sizes

BASE = Settings(context=8192)


@given(most=st.integers(1, 200), guess=st.none() | st.integers(-5, 300), data=st.data())
def test_the_smallest_that_is_enough_is_found_whatever_the_guess(
    most: int, guess: int | None, data: st.DataObject
) -> None:
    least = data.draw(st.integers(1, most))
    assert searched(most, guess, lambda count: count >= least) == least


def test_a_good_guess_asks_a_few_times_only() -> None:
    asked: list[int] = []
    assert searched(1000, 700, lambda count: asked.append(count) or count >= 699) == 699  # type: ignore[func-returns-value]
    assert len(asked) <= 4


@pytest.mark.parametrize(
    ("slug", "host", "experts"),
    [
        ("llama-3.3-70b-instruct", machine(card(24)), False),
        ("llama-3.3-70b-instruct", machine(card(12), card(16)), False),
        ("qwen3-30b-a3b", machine(card(8)), True),
        ("qwen3-30b-a3b", pooled(24, share=0.5), True),
    ],
    ids=["one card", "two cards", "experts", "a pool"],
)
def test_one_block_fewer_on_the_host_would_not_fit(slug: str, host: HostSpec, experts: bool) -> None:
    build, used = sizes(slug), tuple(range(len(host.devices)))
    search = Offload(build, host, BASE, used, experts=experts)
    found = search.least(partial(estimate_memory, build))
    assert found
    settings, _ = found
    count = settings.experts_on_cpu if experts else search.most + 1 - settings.gpu_layers
    assert search.at(count).least >= 0
    assert all(search.at(fewer).least < 0 for fewer in range(count))
    for part, device in zip(estimate_memory(build, settings).devices, host.devices, strict=True):
        assert part.total + device_overhead(device) <= device.available_bytes


def test_what_devices_and_host_together_cannot_hold_has_no_settings() -> None:
    build = sizes("llama-3.3-70b-instruct")
    search = Offload(build, machine(card(8), ram=16), BASE, (0,), experts=False)
    assert search.least(partial(estimate_memory, build)) is None
