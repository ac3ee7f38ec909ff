"""How an engine is run: what the adapter in its folder offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class Adapter(Protocol):
    """What a module of the package offers; `llama_cpp` says what each means."""

    NAME: str
    FORMATS: tuple[str, ...]
    PROGRAMS: tuple[dict[str, Any], ...]
    HEALTH: str
    MODELS: str
    CHAT: str
    CAUSES: tuple[tuple[str, str, str], ...]
    argv: Callable[..., list[str]]
    env: Callable[[list[str], str], dict[str, str]]
    buffers: Callable[[str], dict[str, dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Program:
    """One way to run an engine on this machine: the words in front of its flags."""

    name: str
    words: tuple[str, ...]
    accelerators: bool = True  # False: it computes on the CPU, whatever its flags say
    dry_run: tuple[str, ...] = ()  # the command that asks it for its own plan (`dry_run`); empty: it has none
