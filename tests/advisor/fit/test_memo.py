from __future__ import annotations

import gc
import weakref

from advisor.fit.memo import Memo, forget, remembered


class Owner:
    """Known by identity: equal to every other one."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Owner)

    def __hash__(self) -> int:
        return 1


def test_a_value_is_worked_out_once_for_an_owner_and_a_key() -> None:
    memo: Memo[object] = Memo(8)
    one, other = Owner(), Owner()
    first = memo.get(one, "a", object)
    assert memo.get(one, "a", object) is first
    assert memo.get(one, "b", object) is not first
    assert memo.get(other, "a", object) is not first


def test_a_full_memo_forgets_everything_and_never_holds_more() -> None:
    memo: Memo[int] = Memo(3)
    owner = Owner()
    for number in range(10):
        assert memo.get(owner, number, lambda number=number: number) == number  # type: ignore[misc]
        assert len(memo.held) <= 3
    assert [key for _, key in memo.held] == [9]


def test_an_owner_lives_as_long_as_what_is_remembered_of_it_and_no_longer() -> None:
    memo: Memo[int] = Memo(1)
    owner = Owner()
    gone = weakref.ref(owner)
    memo.get(owner, "a", lambda: 1)
    del owner
    gc.collect()
    assert gone() is not None  # else another owner could come to lie in its place and be taken for it
    memo.get(Owner(), "a", lambda: 2)
    gc.collect()
    assert gone() is None


def test_a_function_is_called_once_for_the_same_owner_and_equal_arguments() -> None:
    calls = []

    @remembered(4)
    def summed(owner: Owner, first: int, second: int = 0) -> int:
        calls.append((first, second))
        return first + second

    one = Owner()
    assert [summed(one, 1), summed(one, 1), summed(one, 1, second=2), summed(one, 1, second=2)] == [1, 1, 3, 3]
    assert summed(Owner(), 1) == 1
    assert calls == [(1, 0), (1, 2), (1, 0)]


def test_everything_can_be_forgotten_at_once() -> None:
    memo: Memo[object] = Memo(8)
    owner = Owner()
    first = memo.get(owner, "a", object)
    forget()
    assert memo.get(owner, "a", object) is not first


def test_named_arguments_of_one_value_are_kept_apart() -> None:
    @remembered(8)
    def named(owner: Owner, *, first: int = 0, second: int = 0) -> tuple[int, int]:
        return first, second

    owner = Owner()
    assert (named(owner, first=1), named(owner, second=1)) == ((1, 0), (0, 1))
