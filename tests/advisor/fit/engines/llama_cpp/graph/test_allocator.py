"""Free rooms of a buffer, as the engine gives and takes them."""

from __future__ import annotations

from advisor.fit.engines.llama_cpp.graph.allocator import Pool

KIB = 1 << 10


def test_a_block_is_put_into_the_smallest_free_room_that_holds_it() -> None:
    pool = Pool()
    first, _, third, _ = (pool.take(size) for size in (4 * KIB, KIB, 2 * KIB, KIB))
    pool.give(first, 4 * KIB)
    pool.give(third, 2 * KIB)
    assert pool.take(2 * KIB) == third
    assert pool.peak == 8 * KIB


def test_free_neighbours_become_one_room() -> None:
    pool = Pool()
    first, second, _ = (pool.take(KIB) for _ in range(3))
    pool.give(first, KIB)
    pool.give(second, KIB)
    assert pool.take(2 * KIB) == 0


def test_what_has_no_bytes_leaves_a_free_block_of_its_own_between_used_ones_as_in_the_engine() -> None:
    pool = Pool()
    _, empty, _ = (pool.take(size) for size in (KIB, 0, KIB))
    pool.give(empty, 0)
    assert pool.offsets == [KIB, 2 * KIB]
