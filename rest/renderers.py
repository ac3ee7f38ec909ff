from __future__ import annotations

from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request


class OrjsonRenderer(JSONRenderer):
    """Renders JSON with orjson, several times faster: answers are hundreds of kilobytes of plain dicts.

    Bytes are passed through as JSON.
    """

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if isinstance(data, bytes):
            return data
        return b"" if data is None else orjson.dumps(data, default=str, option=orjson.OPT_NON_STR_KEYS)


class Whatever(BaseContentNegotiation):
    """Content negotiation for plain text: one form for every client, whatever it accepts; problems are JSON."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type
