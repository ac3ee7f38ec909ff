from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.fit.engines.base import KINDS, NEVER
from advisor.fit.engines.llama_cpp.placement import place
from advisor.fit.engines.llama_cpp.screen import columns, screen
from advisor.fit.spec import Workload
from tests.support.builds import card, machine, model, pooled

MACHINES = st.builds(
    lambda cards, ram: machine(*(card(gib) for gib in cards), ram=ram),
    st.lists(st.sampled_from([4, 8, 12, 24, 48, 80]), max_size=3),
    st.sampled_from([4, 16, 64, 256]),
)
MODELS = tuple(
    model(s)
    for s in ("qwen3-8b", "qwen3-30b-a3b", "gemma-3-27b-it", "llama-3.3-70b-instruct", "mixtral-8x7b-instruct-v0.1")
)


@settings(max_examples=60, deadline=None)
@given(host=MACHINES | st.builds(pooled, st.sampled_from([16, 32, 64, 128])), context=st.integers(512, 40_000))
def test_the_screen_never_hides_a_placement_that_the_exact_sum_allows(host, context):
    found = screen(columns([one.builds[0].sizes for one in MODELS]), host, Workload(context=context))
    for one, kind in zip(MODELS, found.kind, strict=True):
        placed = place(one.builds[0].sizes, host, Workload(context=context))
        if placed:
            assert kind != NEVER
            assert kind <= KINDS.index(placed.placement)
