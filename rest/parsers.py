from __future__ import annotations

from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MOST_LEVELS = 32  # the deepest legitimate body has seven


class OrjsonParser(JSONParser):
    """Strict JSON: valid UTF-8, no NaN or Infinity, no lone surrogates, bounded nesting.

    Python's own parser accepts those, and code that walks, stores or encodes the value fails later. A subclass of
    JSONParser, because Django REST framework bounds the body at DATA_UPLOAD_MAX_MEMORY_SIZE only for those.
    """

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            value = orjson.loads(stream.read())
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error}.") from error
        if deeper(value, MOST_LEVELS):
            raise ParseError(f"The body is nested more than {MOST_LEVELS} deep.")
        return value


def deeper(value: Any, levels: int) -> bool:
    here = [value]
    for _ in range(levels):
        holders = [one for one in here if isinstance(one, (dict, list))]
        here = [part for one in holders for part in (one.values() if isinstance(one, dict) else one)]
    return any(isinstance(one, (dict, list)) for one in here)
