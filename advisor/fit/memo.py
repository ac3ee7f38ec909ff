"""The bounded memo of the fit, keyed by object identity plus argument values.

Builds are large and immutable, so they are keyed by identity; every other argument is keyed by value. A full memo is
cleared: hot entries return quickly, and no eviction order has to be maintained.
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
    """Holds at most `most` values, each keyed by an owner's identity and a key.

    The owner is stored beside its value, so that its `id` cannot be reused while the entry lives.
    """

    __slots__ = ("held", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self.held: dict[Hashable, tuple[object, Value]] = {}
        _memos.append(self)

    def get(self, owner: object, key: Hashable, work_out: Callable[[], Value]) -> Value:
        """Returns the stored value, or calls `work_out`. `key` must cover all that the value depends on beside the
        owner.
        """
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
    """Decorator: memoises by the identity of the first argument and the values of the others."""

    def decorate(function: Callable[Concatenate[Owner, Rest], Value]) -> Callable[Concatenate[Owner, Rest], Value]:
        memo: Memo[Value] = Memo(most)
        held = memo.held

        @wraps(function)
        def call(owner: Owner, *rest: Rest.args, **named: Rest.kwargs) -> Value:
            # Inlines `Memo.get` to avoid a closure per call: one question makes tens of thousands of calls.
            key = (id(owner), rest, *named.items()) if named else (id(owner), rest)
            found = held.get(key)
            if found is not None and found[0] is owner:
                return found[1]
            value = function(owner, *rest, **named)
            if len(held) >= most:
                held.clear()
            held[key] = owner, value
            return value

        return call  # type: ignore[return-value]  # `wraps` keeps the owner's name, which is passed by position

    return decorate


def forget() -> None:
    """Clears every memo, for benchmarks that need a cold start."""
    for memo in _memos:
        memo.held.clear()
