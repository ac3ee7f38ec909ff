"""A short chat with a launched model through its own OpenAI-compatible endpoint."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

MAX_PROMPT = 8000
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
        with urlopen(request, timeout=120) as response:  # noqa: S310  (our own loopback endpoint)
            reply = json.load(response)["choices"][0]["message"]["content"]
    except (URLError, TimeoutError, ValueError, KeyError, IndexError) as error:
        reply = f"(No answer: {error}.)"
    return [*talk, {"role": "assistant", "content": reply or ""}]
