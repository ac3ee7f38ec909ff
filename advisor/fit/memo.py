"""What was worked out once is remembered while there is room: the one memo of the fit.

Builds are large and never change, so they are known by identity; whatever else a result depends on, by value. A memo
that is full forgets everything: what is asked for again soon comes back, and no order has to be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

Owner = TypeVar("Owner")
Rest = ParamSpec("Rest")
Value = TypeVar("Value")

_memos: list[Memo[Any]] = []


class Memo(Generic[Value]):
    """At most `most` values, each of an owner and a key.

    An owner is held beside its value, so that its `id` stays its own for as long as the value is remembered.
    """

    __slots__ = ("held", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self.held: dict[Hashable, tuple[object, Value]] = {}
        _memos.append(self)

    def get(self, owner: object, key: Hashable, work_out: Callable[[], Value]) -> Value:
        """`key` must hold everything that the value depends on beside the owner."""
        found = self.held.get((id(owner), key))
        if found is not None and found[0] is owner:
            return found[1]
        value = work_out()
        if len(self.held) >= self.most:
            self.held.clear()
        self.held[id(owner), key] = owner, value
        return value


def remembered(
    most: int,
) -> Callable[[Callable[Concatenate[Owner, Rest], Value]], Callable[Concatenate[Owner, Rest], Value]]:
    """Decorator: a result is remembered for the identity of the first argument and the values of the others."""

    def decorate(function: Callable[Concatenate[Owner, Rest], Value]) -> Callable[Concatenate[Owner, Rest], Value]:
        memo: Memo[Value] = Memo(most)
        held = memo.held

        @wraps(function)
        def call(owner: Owner, *rest: Rest.args, **named: Rest.kwargs) -> Value:
            # As `Memo.get`, without a closure for each call: a question makes tens of thousands of them.
            key = (id(owner), rest, *named.values()) if named else (id(owner), rest)
            found = held.get(key)
            if found is not None and found[0] is owner:
                return found[1]
            value = function(owner, *rest, **named)
            if len(held) >= most:
                held.clear()
            held[key] = owner, value
            return value

        return call  # type: ignore[return-value]  # `wraps` names the owner, which is given by position

    return decorate


def forget() -> None:
    """Empty every memo: for whoever measures how long the work takes."""
    for memo in _memos:
        memo.held.clear()
