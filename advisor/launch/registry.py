"""The engines there are: one module each in `advisor.launch.engines`. Deleting the file removes the engine."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import pkgutil
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from advisor.launch import engines as package


class Engine(Protocol):
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
    dry_run: tuple[str, ...] = ()  # the command that asks it for its own plan (`oracle.ask`); empty: it has none


@cache
def engines() -> dict[str, Engine]:
    modules = [importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__)]
    return {module.NAME: module for module in modules}


def program(engine: Engine, configured: Callable[[str], str]) -> Program | None:
    """The first program of the engine that is here. `configured` gives a setting by name, empty when it is not set."""
    for entry in engine.PROGRAMS:
        if "binary" in entry:
            stated = configured(entry["setting"])
            path = stated if stated and os.access(stated, os.X_OK) else shutil.which(entry["binary"])
            if path:
                return Program(entry["name"], (path,))
        elif importlib.util.find_spec(entry["requires"]):
            words = (sys.executable, "-m", entry["module"])
            return Program(entry["name"], words, entry.get("accelerators", True), _dry_run(entry))
    return None


def dry_run(engine: Engine) -> tuple[str, ...]:
    """The command of the first program that is here and can be asked for its own plan, whichever would be launched."""
    here = (entry for entry in engine.PROGRAMS if "dry_run" in entry and importlib.util.find_spec(entry["requires"]))
    return next(map(_dry_run, here), ())


def _dry_run(entry: dict[str, Any]) -> tuple[str, ...]:
    return (sys.executable, "-m", entry["dry_run"]) if "dry_run" in entry else ()


@cache
def bases() -> dict[str, dict[str, int]]:
    rows = json.loads(Path(package.__path__[0], "base.json").read_text())["programs"]
    return {row["program"]: row for row in rows}


def base_bytes(program: str, *, n_vocab: int, devices: int) -> int:
    """Host bytes that a program holds beside the engine's buffers (base.json says how each figure was found)."""
    row = bases()[program]
    return row["base"] + row["per_token"] * n_vocab + row["per_device"] * devices
