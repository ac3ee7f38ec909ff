"""How an engine is run: the protocol that `adapter.py` in the engine's folder fulfils."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

MANIFESTS = ("argv", "compose", "systemd", "kubernetes")  # what a launch can be written as, to run elsewhere


class Adapter(Protocol):
    """A module. Settings, as its planner makes them, are its own."""

    NAME: str  # the planner's
    FORMATS: tuple[str, ...]  # of builds
    PROGRAMS: tuple[dict[str, Any], ...]  # ways to run it, the first that is there is taken (`registry.program`)
    HEALTH: str  # paths of its server
    MODELS: str
    CHAT: str
    CAUSES: tuple[tuple[str, str, str], ...]  # why it ended: pattern of its log, reason, sentence
    MANIFESTS: Mapping[str, Callable[[Mapping[str, Any]], str]]  # a launch's document -> text, by kind

    argv: Callable[..., list[str]]  # raises ValueError, one sentence, for a value that may not reach a command line

    def env(self, device_uuids: list[str], launch_id: str) -> dict[str, str]:
        """What the child's environment gets on top: the GPUs that it may see, and the marker that finds it again."""

    def buffers(self, log: str) -> dict[str, dict[str, int]]:
        """Bytes that its log says it allocated: `{"host" or its device: {"weights", "kv", "compute"}}`."""

    def filling_tokens(self, settings: Any) -> int:
        """Length of a prompt that touches all the memory it holds; 0 where it answers none."""


@dataclass(frozen=True, slots=True)
class Program:
    """One way to run an engine on this machine: the words in front of its flags."""

    name: str
    words: tuple[str, ...]
    accelerators: bool = True  # False: it computes on the CPU, whatever its flags say
    dry_run: tuple[str, ...] = ()  # the command that asks it for its own plan (`dry_run`); empty: it has none
