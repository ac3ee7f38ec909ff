"""The protocol for running an engine, implemented by `adapter.py` in the engine's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

MANIFESTS = ("argv", "compose", "systemd", "kubernetes")  # the forms in which a launch can be exported to run elsewhere


@dataclass(frozen=True, slots=True)
class NotHere:
    """A build that is not on this machine: the engine fetches it from a repository of the hub, or, where none is
    known to have it, finds a file of this name in the folder in which it is started.
    """

    repo: str | None
    quantization: str
    file_name: str


class Adapter(Protocol):
    """A module that runs one engine. Its settings are of the type that the engine's planner makes."""

    NAME: str  # as the planner's
    FORMATS: tuple[str, ...]  # build formats it can load
    PROGRAMS: tuple[dict[str, Any], ...]  # ways to run it; the first one found is used (`registry.program`)
    HEALTH: str  # paths on its server
    MODELS: str
    CHAT: str
    CAUSES: tuple[tuple[str, str, str], ...]  # causes of an exit: log pattern, reason, sentence
    MANIFESTS: Mapping[str, Callable[[Mapping[str, Any]], str]]  # by kind, a function from a launch's document to text

    # `model`: the path of a file, or `NotHere`. Raises ValueError, a sentence, for a value not allowed in a command.
    argv: Callable[..., list[str]]

    def env(self, device_uuids: list[str], launch_id: str) -> dict[str, str]:
        """Variables added to the child's environment: the GPUs that it may see, and the marker that identifies it."""

    def buffers(self, log: str) -> dict[str, dict[str, int]]:
        """Bytes allocated according to its log: `{"host" or its device: {"weights", "kv", "compute"}}`."""

    def filling_tokens(self, settings: Any) -> int:
        """Length of a prompt that touches all of the engine's memory; 0 if it answers no prompts."""


@dataclass(frozen=True, slots=True)
class Program:
    """One way to run an engine on this machine: the words that precede its flags."""

    name: str
    words: tuple[str, ...]
    accelerators: bool = True  # False if it computes on the CPU whatever its flags
    dry_run: tuple[str, ...] = ()  # command that makes it report its own plan (`dry_run`); empty if it has none
