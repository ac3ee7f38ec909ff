"""The table of use cases; `data/quality.json` maps benchmarks to them."""

from __future__ import annotations

from typing import NamedTuple


class UseCase(NamedTuple):
    """A use case; `decode` and `first_token`: the rate and the latency that a person or a program needs."""

    name: str
    label: str  # in a form
    words: str  # in a sentence
    context: int  # tokens per request when the question states none
    decode: float  # tokens per second
    first_token: float  # seconds


# Reading aloud takes 4 to 5 tokens per second and silent reading about 8; code and tool calls are skimmed or executed,
# and a reasoning model writes thousands of tokens before its answer.
USE_CASES = {
    use.name: use
    for use in (
        UseCase("general", "General help", "general help", 8192, 15, 5),
        UseCase("chat", "Chat and writing", "chat", 8192, 15, 4),
        UseCase("coding", "Coding", "coding", 16384, 30, 10),
        UseCase("math", "Mathematics", "math", 8192, 30, 10),
        UseCase("reasoning", "Reasoning", "reasoning", 8192, 35, 10),
        UseCase("long_context", "Long documents", "long documents", 65536, 12, 30),
        UseCase("tool_use", "Agents and tool use", "tool use", 8192, 30, 8),
        UseCase("vision", "Images", "images", 8192, 15, 8),
        UseCase("multilingual", "Many languages", "multilingual", 8192, 15, 5),
        UseCase("embedding", "Embeddings for search", "embedding", 512, 0, 0.5),
    )
}
