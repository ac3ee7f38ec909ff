"""The engine's own memory plan for a file, asked of a child process that may crash, hang or answer garbage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from advisor.fit.spec import DeviceMemory
from hardware.probe_child import end
from rest.json_text import read_json

ROOM = Path(__file__).resolve().parents[2]
SECONDS = 10.0  # while a user waits for the answer
ADDRESS_SPACE = 4 << 30  # the library, a vocabulary and a record of each cache cell; no weights
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
PARTS = ("weights", "kv", "compute")
TOLERANCE_PERCENT = 2.0  # beyond this a prediction does not match what the engine will take


class NoAnswer(Exception):
    """The engine gave no plan. `code`: absent | refused | timeout | crash | garbage; the message is one sentence."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Difference(TypedDict):
    """Predicted and planned bytes, and the prediction's error in percent of the plan."""

    predicted: int
    engine: int
    difference_percent: float | None  # None: the engine plans nothing


class BesidePrediction(TypedDict):
    """An engine's own plan beside the prediction."""

    engine: str
    agrees: bool
    buffers: dict[str, dict[str, int]]
    host: dict[str, Difference]


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """Bytes of weights, cache and compute by the engine's name for each buffer, all of them in host memory."""

    build: str | None  # None if unknown
    buffers: dict[str, dict[str, int]]

    @property
    def host(self) -> DeviceMemory:
        return DeviceMemory(*(sum(buffer[part] for buffer in self.buffers.values()) for part in PARTS))

    @property
    def engine(self) -> str:
        return f"llama.cpp {self.build or 'of an unknown build'}"


def ask_engine(command: Sequence[str], model: Path, settings: Any, *, seconds: float) -> EnginePlan:
    """What the engine would allocate for `model` with `settings`. Raises NoAnswer.

    `command` as from `registry.dry_run_command`. The child ends itself after `seconds`, in case this process dies
    first; it carries no launch marker.
    """
    if not command:
        raise NoAnswer("absent", "No engine that can be asked for its own plan is installed on this machine.")
    request = {"model": str(model), "settings": settings._asdict(), "seconds": seconds, "address_space": ADDRESS_SPACE}
    # GGML's own crash backtrace would start a debugger.
    env = {"GGML_NO_BACKTRACE": "1", **{name: os.environ[name] for name in PASSED_ON if name in os.environ}}
    try:
        child = subprocess.Popen(  # noqa: S603 - our own module
            command,
            cwd=ROOM,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise NoAnswer("absent", f"The engine's dry run could not be started: {error.strerror or error}.") from error
    try:
        out, _ = child.communicate(json.dumps(request).encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        raise NoAnswer("timeout", too_late(seconds)) from None
    finally:
        end(child)
    if child.returncode == -signal.SIGALRM:  # the child's own timer fired before ours
        raise NoAnswer("timeout", too_late(seconds))
    if child.returncode:
        raise NoAnswer("crash", f"The engine's dry run crashed ({why_it_died(child.returncode)}).")
    return engine_plan(out)


def too_late(seconds: float) -> str:
    return f"The engine gave no plan of its own within {seconds:g} seconds."


def why_it_died(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def engine_plan(out: bytes) -> EnginePlan:
    """The plan in the child's output. Raises NoAnswer when it refused, or answered something else."""
    try:
        answer = read_json(out)
        build = answer["build"]
        if "refused" in answer:
            raise NoAnswer("refused", str(answer["refused"]))
        buffers = {str(name): {part: buffer[part] for part in PARTS} for name, buffer in answer["buffers"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NoAnswer("garbage", "The engine's dry run printed something that is not a plan.") from None
    sizes = [size for buffer in buffers.values() for size in buffer.values()]
    if not sizes or not all(type(size) is int and 0 <= size < 1 << 60 for size in sizes):
        raise NoAnswer("garbage", "The engine's dry run printed sizes that are not bytes.")
    return EnginePlan(build if isinstance(build, str) else None, buffers)


def differences(predicted: DeviceMemory, engine: EnginePlan) -> dict[str, Difference]:
    """Per part and in total: predicted and planned bytes, and the prediction's error in percent of the plan.

    The percentage is None where the engine plans nothing. Memory outside the engine's buffers is not compared.
    """
    mine = {part: getattr(predicted, part) for part in PARTS}
    theirs = {part: getattr(engine.host, part) for part in PARTS}
    return {
        part: {"predicted": a, "engine": b, "difference_percent": 100 * (a - b) / b if b else None}
        for part, a, b in [*((p, mine[p], theirs[p]) for p in PARTS), ("total", sum(mine.values()), engine.host.total)]
    }


def beside_prediction(predicted: DeviceMemory, plan: EnginePlan) -> BesidePrediction:
    found = differences(predicted, plan)
    return {"engine": plan.engine, "agrees": agrees(found), "buffers": plan.buffers, "host": found}


def agrees(found: Mapping[str, Difference]) -> bool:
    """Whether the sum of the parts is within the tolerance."""
    off = found["total"]["difference_percent"]
    return off is not None and abs(off) <= TOLERANCE_PERCENT
