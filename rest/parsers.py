from __future__ import annotations

from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MOST_LEVELS = 32  # the deepest that is ever meant has seven


class OrjsonParser(JSONParser):
    """JSON as its standard has it: UTF-8, with no number that is none, no half of a character, and bounded in depth.

    Python's own reader takes them, and what walks, writes or encodes the value later fails. Of a JSONParser the body is
    read up to DATA_UPLOAD_MAX_MEMORY_SIZE, of another kind of parser without end.
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
