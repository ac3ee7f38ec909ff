"""Bounded reader of safetensors headers: the tensors of a file, never the weights.

Layout: eight bytes of length, that much JSON {name: {"dtype", "shape", "data_offsets"}}, then the data without gaps
(https://huggingface.co/docs/safetensors). The file is treated as hostile, as in `gguf.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from typing import Any

LENGTH = 8
MAX_HEADER = 24 << 20
MAX_TENSORS = 200_000
MAX_DIMENSIONS = 8
# dtype -> bits
TYPES = {
    **{"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16},
    **{"BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "F4": 4, "F6_E2M3": 6},
}


class SafetensorsError(ValueError):
    """The header is invalid; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor; `shape` as stored, outermost first."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def values(self) -> int:
        return prod(self.shape)


def header_size(start: bytes, file_bytes: int) -> int:
    """Bytes of JSON after the first eight. Raises SafetensorsError for an impossible length."""
    size = int.from_bytes(start[:LENGTH], "little")
    if len(start) < LENGTH or not 2 <= size <= min(MAX_HEADER, file_bytes - LENGTH):
        raise SafetensorsError(f"The header states {size} bytes; the file has {file_bytes}, and {MAX_HEADER} are read.")
    return size


def tensors(header: bytes, file_bytes: int) -> list[Stored]:
    """The tensors of one header. Raises SafetensorsError unless they fill the file exactly."""
    try:
        entries = json.loads(header)
    except (ValueError, RecursionError):
        raise SafetensorsError("The header is not JSON.") from None
    if not isinstance(entries, dict) or len(entries) > MAX_TENSORS:
        raise SafetensorsError(f"The header is not a table of at most {MAX_TENSORS} tensors.")
    entries.pop("__metadata__", None)
    found, extents = [], []
    for name, entry in entries.items():
        stored, extent = _tensor(name, entry)
        found.append(stored)
        extents.append(extent)
    end = 0
    for start, stop in sorted(extents):
        if start != end:
            raise SafetensorsError("The tensors overlap or leave gaps.")
        end = stop
    if LENGTH + len(header) + end != file_bytes:
        raise SafetensorsError(f"The tensors end at byte {LENGTH + len(header) + end} of a file of {file_bytes}.")
    return found


def _tensor(name: str, entry: Any) -> tuple[Stored, tuple[int, int]]:
    try:
        dtype, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
    except (KeyError, TypeError, ValueError):
        raise SafetensorsError(f"The tensor {name[:80]!r} is not described by dtype, shape and data_offsets.") from None
    if dtype not in TYPES:
        raise SafetensorsError(f"The tensor {name[:80]!r} has the unknown type {str(dtype)[:20]!r}.")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not all(map(_is_size, [*shape, start, stop])):
        raise SafetensorsError(f"The tensor {name[:80]!r} has a shape or place that cannot be.")
    stored = Stored(name, dtype, tuple(shape))
    if stop - start != -(-stored.values * TYPES[dtype] // 8):
        raise SafetensorsError(f"The tensor {name[:80]!r} takes another number of bytes than its shape needs.")
    return stored, (start, stop)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 48
