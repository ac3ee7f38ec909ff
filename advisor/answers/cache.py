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


def known_answer(key: Hashable) -> Answer | None:
    """`key` must hold everything that the answer depends on."""
    found: Answer | None = _get(key)
    return found


def keep_answer(key: Hashable, document: dict[str, Any], decision: str = "") -> Answer:
    packed = zlib.compress(orjson.dumps(document), 1)
    answer = Answer(packed, bool(document.get("results", True)), decision)
    _keep(key, answer)
    return answer


def cached(key: Hashable, work_out: Callable[[], Any]) -> Any:
    """What `work_out` gave for `key`. Nobody may change it. Two threads that ask at once both work it out."""
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
    """The longest unused one is forgotten beyond MOST."""
    with _lock:
        _answers[key] = value
        while len(_answers) > MOST:
            _answers.popitem(last=False)
