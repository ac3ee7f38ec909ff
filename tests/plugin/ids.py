"""Readable parameter ids: what pytest would call `question7` is named by the parameter's content."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from functools import singledispatch
from pathlib import Path
from typing import Any

LONGEST = 60  # characters


def words(value: Any) -> str:
    """One short line on the content of a value, the same in every process: `workload context 0, limit 1`."""
    text = said(value)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST].rpartition(' ')[0] or text[:30]} (of {len(text)})"


@singledispatch
def said(value: Any) -> str:
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: held for f in fields(value) if (held := getattr(value, f.name)) != f.default}
        return said(changed) if changed else f"any {type(value).__name__}"
    return str(getattr(value, "__name__", value))


@said.register
def _(value: str) -> str:
    """The text without characters that a terminal would interpret or wrap at."""
    plain = "".join(letter if letter.isprintable() else f" U+{ord(letter):04X} " for letter in value)
    return re.sub(r"\s+", " ", plain).strip() or (f"{len(value)} blanks" if value else "no text")


@said.register
def _(value: bytes) -> str:
    return said(value.decode("utf-8", "backslashreplace"))


@said.register
def _(value: Path) -> str:
    return value.name


@said.register
def _(value: BaseException) -> str:
    return f"{type(value).__name__} {value}"


@said.register
def _(value: Mapping) -> str:  # type: ignore[type-arg]
    return ", ".join(f"{said(key)} {said(held)}".rstrip() for key, held in value.items()) or "nothing"


@said.register(list)
@said.register(tuple)
def _(value: list[Any] | tuple[Any, ...]) -> str:
    return ", ".join(map(said, value)) or "nothing"


@said.register
def _(value: Set) -> str:  # type: ignore[type-arg]
    return ", ".join(sorted(map(said, value))) or "nothing"
