"""Answers of this process: the same question about the same hardware on the same catalog is worked out once."""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import orjson

MOST = 96  # some eight kilobytes each, where it is a document

_answers: OrderedDict[Hashable, Any] = OrderedDict()
_lock = threading.Lock()


class Answer(NamedTuple):
    """A document as it goes out, packed: in a fiftieth of the room that it takes as objects."""

    packed: bytes
    found: bool  # whether there is a result in it
    decision: str = ""

    @property
    def body(self) -> bytes:
        """JSON."""
        return zlib.decompress(self.packed)

    @property
    def document(self) -> dict[str, Any]:
        """The caller's own."""
        document: dict[str, Any] = orjson.loads(self.body)
        return document


def cached_answer(key: Hashable, work_out: Callable[[], dict[str, Any]], decision: str = "") -> Answer:
    def pack() -> Answer:
        document = work_out()
        return Answer(zlib.compress(orjson.dumps(document), 1), bool(document.get("results", True)), decision)

    found: Answer = cached(key, pack)
    return found


def cached(key: Hashable, work_out: Callable[[], Any]) -> Any:
    """What `work_out` gave for `key`, the longest unused one forgotten beyond MOST. Nobody may change it.

    `key` must hold everything that the answer depends on. Two threads that ask at once both work it out.
    """
    with _lock:
        if key in _answers:
            _answers.move_to_end(key)
            return _answers[key]
    found = work_out()
    with _lock:
        _answers[key] = found
        while len(_answers) > MOST:
            _answers.popitem(last=False)
    return found
