"""Sums over blocks from counts of the distinct ones equal sums over all of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from advisor.fit.build import LayerSizes
from advisor.fit.layer_groups import Kinds, kinds

DISTINCT = [LayerSizes(device=10**n, host=n) for n in range(4)]


@given(st.lists(st.sampled_from(DISTINCT), min_size=1, max_size=40), st.data())
def test_counts_between_two_places_are_those_of_the_slice(row: list[LayerSizes], data: st.DataObject) -> None:
    layers = tuple(row)
    first, last = (data.draw(st.integers(0, len(layers))) for _ in range(2))
    found = {id(layer): count for layer, count in Kinds.of(layers).between(first, last)}
    assert found == {id(x): layers[first:last].count(x) for x in DISTINCT if x in layers[first:last]}


def test_another_build_in_the_same_place_of_memory_is_not_taken_for_the_first() -> None:
    one, other = (DISTINCT[0],) * 3, (DISTINCT[1],) * 2
    assert [count for _, count in kinds(one).between(0, 3)] == [3]
    assert kinds(one) is kinds(one)
    assert kinds(other).distinct == (DISTINCT[1],)
