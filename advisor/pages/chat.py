"""A short chat with a launched model through its own OpenAI-compatible endpoint."""

from __future__ import annotations

import http.client
import json
import shlex
import time
from collections.abc import Mapping
from typing import Any
from urllib.request import Request, urlopen

from rest.json_text import read_json

MAX_PROMPT = 8000
SECONDS = 120  # that a reply may take
MOST = 1 << 20  # bytes of it
KEPT = 20  # messages kept in the browser session


def curl(launch: Mapping[str, Any]) -> str:
    body = json.dumps({"model": launch["alias"], "messages": [{"role": "user", "content": "Say hello."}]})
    return f"curl {launch['endpoint']}/chat/completions -H 'Content-Type: application/json' -d {shlex.quote(body)}"


def chat_reply(launch: Mapping[str, Any], history: list[dict[str, str]], prompt: str) -> list[dict[str, str]]:
    """`history` with the prompt and the model's reply appended; on failure a sentence takes the reply's place."""
    talk = [*history, {"role": "user", "content": prompt}][-KEPT:]
    if launch["status"] != "ready":
        return [*talk, {"role": "assistant", "content": f"(The model is {launch['status']}, not ready.)"}]
    body = json.dumps({"model": launch["alias"], "messages": talk, "max_tokens": 256}).encode()
    request = Request(f"{launch['endpoint']}/chat/completions", body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        reply = said(request)
    except (OSError, http.client.HTTPException) as error:
        reply = f"(No answer: {error}.)"
    except (ValueError, LookupError, TypeError):
        reply = "(No answer: the model's server sent something that is no reply.)"
    return [*talk, {"role": "assistant", "content": reply}]


def said(request: Request) -> str:
    """The reply's text, of at most `MOST` bytes within `SECONDS`, however the server trickles."""
    deadline, body = time.monotonic() + SECONDS, b""
    with urlopen(request, timeout=SECONDS) as response:  # noqa: S310  (our own loopback endpoint)
        while part := response.read1(1 << 16):
            body += part
            if time.monotonic() > deadline:
                raise TimeoutError(f"it took longer than {SECONDS} s")
            if len(body) > MOST:
                raise ValueError
    return str(read_json(body)["choices"][0]["message"]["content"] or "")
