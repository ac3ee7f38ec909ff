"""The documents of an answer about a model under vLLM. Bytes are integers, and null is what is not known."""

from __future__ import annotations

from typing import TypedDict

from advisor.answers.shapes import Hardware


class Ends(TypedDict):
    low: int
    high: int


class _Gain(TypedDict):
    flag: str
    tokens: int
    request_bytes: int


class _CacheBytes(TypedDict):
    vllm: int
    llama_cpp: int


Pays = list[_Gain]  # the best first
CacheOfRequest = _CacheBytes | None


class OnCards(TypedDict):
    """vLLM on so many of the machine's cards: null is what a model that does not start has not."""

    cards: int
    starts: bool | None
    refused: str | None
    weights: int | None
    cache: Ends | None
    tokens: Ends | None
    requests: Ends | None
    longest_context: Ends | None
    request_bytes: int | None
    pays: Pays


class VllmFigures(TypedDict):
    """All null but `unknown` where that says why nothing is promised."""

    unknown: str | None
    card: str | None
    context: int | None
    enough_free: bool | None
    rows: list[OnCards] | None
    pays: Pays | None
    command: str | None
    cache: CacheOfRequest


class UnderVllm(VllmFigures):
    catalog_version: str
    hardware: Hardware
    model: str
    engine: str
