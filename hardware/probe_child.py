"""Runs the probe as a child in its own process group, with a hard time-out."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from hardware.reference import DATA
from rest import shapes
from rest.json_text import read_json

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

COMMAND = (sys.executable, "-m", "hardware.probe")
TIMEOUT_SECONDS = 5.0
ROOM = Path(__file__).resolve().parent.parent


class ProbeFailure(Exception):
    """The probe gave no reading. `code`: timeout | crash | garbage; the message is one sentence for a person.

    `place` is the path of the defect in the reading, such as accelerators[0].uuid; empty for the whole.
    """

    def __init__(self, code: str, message: str, place: str = "") -> None:
        self.code, self.place = code, place
        super().__init__(message)


def document() -> dict[str, Any]:
    """The JSON Schema of a reading."""
    found: dict[str, Any] = json.loads((DATA / "probe.schema.json").read_text())
    return found


@cache
def schema() -> Validator:
    return shapes.validator(document())


def check(data: Any) -> None:
    """Raise ProbeFailure("garbage"), naming the place, when `data` is not a valid probe reading."""
    from jsonschema.exceptions import best_match  # noqa: PLC0415  as above

    if b"\\u0000" in orjson.dumps(data):
        raise ProbeFailure("garbage", "snapshot: a text holds a null character.")
    error = best_match(schema().iter_errors(data))
    if error:
        where = ".".join(str(part) for part in error.absolute_path) or "snapshot"
        raise ProbeFailure("garbage", f"{where}: {error.message[:300]}.", place(error))
    uuids = [item["uuid"] for item in data["accelerators"] if item["uuid"]]
    if len(uuids) != len(set(uuids)):
        raise ProbeFailure("garbage", "accelerators: two devices have one uuid.", "accelerators")


def place(error: ValidationError) -> str:
    """The path at which a reading violates the schema, down to the missing or unexpected member."""
    path = list(error.absolute_path)
    if error.validator == "required":
        path += [next(name for name in error.validator_value if name not in error.instance)]
    elif error.validator == "additionalProperties":
        path += [next(name for name in error.instance if name not in error.schema["properties"])]
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def run(command: tuple[str, ...] = COMMAND, timeout_seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    """The probe's reading, validated against data/probe.schema.json. Raises ProbeFailure."""
    child = subprocess.Popen(  # noqa: S603 - a fixed command of ours
        command,
        cwd=ROOM,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = child.communicate(timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        raise ProbeFailure(
            "timeout", f"The driver did not answer in {timeout_seconds:g} seconds: it may hang; see dmesg, or reboot."
        ) from None
    finally:
        end(child)
    if child.returncode:
        last = err.decode(errors="replace").strip().splitlines()[-1:] or [f"exit status {child.returncode}"]
        raise ProbeFailure("crash", f"The hardware probe ended with {last[0][:300]}.")
    try:
        data: dict[str, Any] = one_by_one(readable(read_json(out)))
    except ValueError:
        raise ProbeFailure("garbage", "The hardware probe printed something that is not JSON.") from None
    check(data)
    return data


def readable(value: Any) -> Any:
    """The reading with what no database keeps replaced in its texts: halves of characters, and the null character."""
    if isinstance(value, dict):
        return {key: readable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [readable(one) for one in value]
    return value.encode(errors="replace").decode().replace("\0", "?") if isinstance(value, str) else value


def one_by_one(data: Any) -> Any:
    """The reading with every device that cannot be used reduced to its name and the reason."""
    if isinstance(data, dict) and isinstance(data.get("accelerators"), list):
        seen: set[str] = set()
        data["accelerators"] = [told(device, seen) for device in data["accelerators"]]
    return data


def told(device: Any, seen: set[str]) -> Any:
    from jsonschema.exceptions import best_match  # noqa: PLC0415  as above

    whole = schema()
    only = whole.evolve(schema={**whole.schema["$defs"]["accelerator"], "$defs": whole.schema["$defs"]})
    if not isinstance(device, dict) or not isinstance(device.get("vendor"), str):
        return device  # no device at all: the check of the whole says so
    wrong = best_match(only.iter_errors(device))
    if wrong:
        why = f"its {place(wrong) or 'entry'} is not valid: {wrong.message[:200]}"
    elif device["error"]:
        return device
    elif lacking := [key for key in ("uuid", "name", "memory_total") if not device[key]]:
        why = f"the driver reports no {' and no '.join(LACKING[key] for key in lacking)} of it"
    elif device["uuid"] in seen:
        why = f"another device has its uuid {device['uuid']}"
    else:
        seen.add(device["uuid"])
        return device
    name, nothing = device.get("name"), dict.fromkeys(("uuid", "memory_total", "memory_free"))
    named = name if isinstance(name, str) and 0 < len(name) <= 160 else None
    error = {"code": "garbage", "message": f"It cannot be used: {why}."}
    return {"vendor": device["vendor"], "kind": "gpu", "name": named, **nothing, "error": error}


LACKING = {"uuid": "uuid", "name": "name", "memory_total": "memory"}


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill the whole process group and reap the child, so that no zombie is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    for pipe in (child.stdout, child.stderr):
        if pipe:
            pipe.close()
    # A process stuck in the driver ignores SIGKILL until the driver returns; waiting for it would hang us as well.
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=0.5)
