"""The registry of engines: one folder each beside this file. Deleting the folder removes the engine."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import pkgutil
import shutil
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from advisor import engines as package
from advisor.engines.base import Adapter, Program


@cache
def adapters() -> dict[str, Adapter]:
    """Name -> adapter, for every folder that has one."""
    folders = (found.name for found in pkgutil.iter_modules(package.__path__) if found.ispkg)
    adapters = [importlib.import_module(f"{package.__name__}.{name}.adapter") for name in folders]
    return {adapter.NAME: adapter for adapter in adapters}


def program(engine: Adapter, configured: Mapping[str, str]) -> Program | None:
    """The first installed program of the engine. `configured`: paths by the name of the setting that holds them."""
    for entry in engine.PROGRAMS:
        if "binary" in entry:
            stated = configured.get(entry["setting"])
            path = stated if stated and os.access(stated, os.X_OK) else shutil.which(entry["binary"])
            if path:
                return Program(entry["name"], (path,))
        elif importlib.util.find_spec(entry["requires"]):
            words = (sys.executable, "-m", entry["module"])
            return Program(entry["name"], words, entry.get("accelerators", True), _dry_run(entry))
    return None


def dry_run_command(engine: Adapter) -> tuple[str, ...]:
    """The command of the first installed program that can report its own plan, whichever would be launched."""
    here = (entry for entry in engine.PROGRAMS if "dry_run" in entry and importlib.util.find_spec(entry["requires"]))
    return next(map(_dry_run, here), ())


def _dry_run(entry: dict[str, Any]) -> tuple[str, ...]:
    return (sys.executable, "-m", entry["dry_run"]) if "dry_run" in entry else ()


@cache
def bases() -> dict[str, dict[str, int]]:
    files = [file for folder in package.__path__ for file in Path(folder).glob("*/host_memory.json")]
    return {row["program"]: row for file in files for row in json.loads(file.read_text())["programs"]}


def base_bytes(program: str, *, n_vocab: int, devices: int) -> int | None:
    """Host bytes that a program holds outside the engine's buffers; None where they were never measured.

    `host_memory.json` of the engine documents how each figure was measured.
    """
    row = bases().get(program)
    return None if row is None else row["base"] + row["per_token"] * n_vocab + row["per_device"] * devices
