"""A per-process LRU cache of answers: the same question on the same hardware and catalog is computed once."""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import orjson

MOST = 96  # some eight kilobytes for each document

_answers: OrderedDict[Hashable, Any] = OrderedDict()
_lock = threading.Lock()


class Answer(NamedTuple):
    """A serialized and compressed document: a fiftieth of its size as objects."""

    packed: bytes
    found: bool  # whether the document has a result
    decision: str = ""

    @property
    def body(self) -> bytes:
        """The document as JSON."""
        return zlib.decompress(self.packed)

    @property
    def document(self) -> dict[str, Any]:
        """The document as a new dict, which the caller may change."""
        document: dict[str, Any] = orjson.loads(self.body)
        return document


def known_answer(key: Hashable) -> Answer | None:
    """The answer stored under `key`, which must hold everything that the answer depends on; None if there is none."""
    found: Answer | None = _get(key)
    return found


def keep_answer(key: Hashable, document: Mapping[str, Any], decision: str = "") -> Answer:
    packed = zlib.compress(orjson.dumps(document), 1)
    answer = Answer(packed, bool(document.get("results", True)), decision)
    _keep(key, answer)
    return answer


def cached(key: Hashable, work_out: Callable[[], Any]) -> Any:
    """The cached result of `work_out` for `key`; callers must not modify it.

    Two concurrent callers may both compute it.
    """
    found = _get(key)
    if found is None:
        found = work_out()
        _keep(key, found)
    return found


def _get(key: Hashable) -> Any:
    with _lock:
        if key in _answers:
            _answers.move_to_end(key)
        return _answers.get(key)


def _keep(key: Hashable, value: Any) -> None:
    """Store the value; beyond MOST the least recently used one is dropped."""
    with _lock:
        _answers[key] = value
        while len(_answers) > MOST:
            _answers.popitem(last=False)
