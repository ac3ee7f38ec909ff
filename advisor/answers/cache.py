"""Answers of this process: the same question about the same hardware on the same catalog is worked out once."""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import orjson

MOST = 96  # some eight kilobytes each, where it is a document

_answers: OrderedDict[Hashable, Any] = OrderedDict()
_lock = threading.Lock()


def cached_document(key: Hashable, work_out: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """`answer` for what goes out as JSON, packed: in a fiftieth of the room, and each caller gets its own."""
    fresh: list[bytes] = []

    def pack() -> bytes:
        fresh.append(orjson.dumps(work_out()))
        return zlib.compress(fresh[0], 1)

    packed = cached(key, pack)
    found: dict[str, Any] = orjson.loads(fresh[0] if fresh else zlib.decompress(packed))
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
