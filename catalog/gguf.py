"""Bounded reader of GGUF headers (versions 2 and 3): metadata and tensor table, never the weights.

The file is treated as hostile: every count, length and offset is checked before memory or time is spent on it, and
every defect ends in one `GgufError`. Within the bounds below the worst file costs some 40 MB and half a second
(`bench/fuzz_gguf.py`). Format: `docs/gguf.md` of the ggml project.
"""

from __future__ import annotations

import os
import stat
import struct
from math import prod
from typing import Any, BinaryIO

MAX_KEYS = 4096
MAX_TENSORS = 16_384
MAX_NAME = 256
MAX_STRING = 8 << 20  # chat templates are the longest legitimate strings
MAX_TOKENS = 2 << 20  # per array; the largest vocabularies have 262,144 tokens and twice as many merges
MAX_STRINGS = 3 << 20  # over all arrays
MAX_KEPT_STRING = 64 << 10  # longer strings are skipped
MAX_KEPT_ARRAY = 4096  # longer arrays are counted, not kept; most kept arrays are indexed by block number
MAX_KEPT = 16 << 20  # bytes of memory for all kept values
MAX_HEADER = 128 << 20
MAX_DIMENSIONS = 4
MAX_ALIGNMENT = 1 << 20
CHUNK = 1 << 20

# ggml type id -> (name, elements per block, bytes per block)
TYPES: dict[int, tuple[str, int, int]] = {
    0: ("f32", 1, 4),
    1: ("f16", 1, 2),
    2: ("q4_0", 32, 18),
    3: ("q4_1", 32, 20),
    6: ("q5_0", 32, 22),
    7: ("q5_1", 32, 24),
    8: ("q8_0", 32, 34),
    9: ("q8_1", 32, 40),
    10: ("q2_K", 256, 84),
    11: ("q3_K", 256, 110),
    12: ("q4_K", 256, 144),
    13: ("q5_K", 256, 176),
    14: ("q6_K", 256, 210),
    15: ("q8_K", 256, 292),
    16: ("iq2_xxs", 256, 66),
    17: ("iq2_xs", 256, 74),
    18: ("iq3_xxs", 256, 98),
    19: ("iq1_s", 256, 50),
    20: ("iq4_nl", 32, 18),
    21: ("iq3_s", 256, 110),
    22: ("iq2_s", 256, 82),
    23: ("iq4_xs", 256, 136),
    24: ("i8", 1, 1),
    25: ("i16", 1, 2),
    26: ("i32", 1, 4),
    27: ("i64", 1, 8),
    28: ("f64", 1, 8),
    29: ("iq1_m", 256, 56),
    30: ("bf16", 1, 2),
    34: ("tq1_0", 256, 54),
    35: ("tq2_0", 256, 66),
    39: ("mxfp4", 32, 17),
    40: ("nvfp4", 64, 36),
    41: ("q1_0", 128, 18),
}

# metadata value type -> struct code; 8 is a string, 9 an array
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
PACKED = {code: struct.Struct(f"<{code}") for code in SCALARS.values()}
# number of dimensions -> the rest of a tensor's entry: shape, type and offset
ENTRIES = {n: struct.Struct(f"<{n}QIQ") for n in range(1, MAX_DIMENSIONS + 1)}
STRING, ARRAY = 8, 9
OBJECT = 64  # bytes of overhead of a kept value, rounded up generously


class GgufError(ValueError):
    """The file is not a readable GGUF; the message is one sentence for the user."""


def read_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads metadata and tensor table of one GGUF file.

    Returns:
        {"kv": {key: value}, "tensors": [{"name", "shape", "type"}], "n_vocab", "data_offset", "file_bytes"}; shapes in
        ggml order, tokenizer arrays and values too long to keep left out, `n_vocab` the number of tokens.

    Raises:
        GgufError: when the file cannot be read, is truncated, or states impossible values.
    """
    if "\0" in os.fsdecode(path):
        raise GgufError("The path holds a null character.")
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise GgufError("The path does not name a regular file.")
        with open(path, "rb") as file:
            return read_gguf(file, os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise GgufError(f"The file cannot be read: {(error.strerror or 'unknown reason').lower()}.") from None


def read_gguf(file: BinaryIO, size: int) -> dict[str, Any]:
    """As `read_header`, for any seekable file of `size` bytes. Raises GgufError."""
    return _Reader(file, size).header()


class _Reader:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.size = size
        self.limit = min(size, MAX_HEADER)
        self.window = b""
        self.start = 0  # offset of the window in the file
        self.at = 0  # read position in the window
        self.kept = 0
        self.n_strings = 0
        self.n_tokens = 0

    def header(self) -> dict[str, Any]:
        if self.size < 24:
            raise GgufError("The file is too short to be a GGUF file.")
        if self.take(4) != b"GGUF":
            raise GgufError("The file is not a GGUF file: it does not start with the letters GGUF.")
        version = self.scalar("I")
        if version not in (2, 3):
            raise GgufError(f"GGUF version {version} is not known; versions 2 and 3 are read.")
        n_tensors = self.count("Q", MAX_TENSORS, "tensors")
        n_keys = self.count("Q", MAX_KEYS, "metadata keys")
        kv = self.metadata(n_keys)
        alignment = kv.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= MAX_ALIGNMENT or alignment & (alignment - 1):
            raise GgufError("The file's alignment is not a power of two up to 1 MiB.")
        tensors, extents = self.tensors(n_tensors)
        start = -(-(self.start + self.at) // alignment) * alignment
        self.check_extents(extents, start, alignment)
        n_vocab = self.n_tokens or kv.get(f"{kv.get('general.architecture')}.vocab_size", 0)
        if not isinstance(n_vocab, int) or not 0 <= n_vocab <= MAX_TOKENS:
            raise GgufError(f"The vocabulary's size must be a whole number from 0 to {MAX_TOKENS}.")
        return {"kv": kv, "tensors": tensors, "n_vocab": n_vocab, "data_offset": start, "file_bytes": self.size}

    def metadata(self, count: int) -> dict[str, Any]:
        kv: dict[str, Any] = {}
        seen = set()
        for _ in range(count):
            key = self.string(MAX_NAME, "key")
            if key in seen:
                raise GgufError(f"The metadata key {key!r} appears twice.")
            seen.add(key)
            value = self.value(self.scalar("I"), key)
            if value is not None:
                kv[key] = value
        return kv

    def value(self, kind: int, key: str) -> Any:
        if kind in SCALARS:
            self.keep(OBJECT)
            return self.scalar(SCALARS[kind])
        if kind == STRING:
            return self.text(key)
        if kind == ARRAY:
            return self.array(key)
        raise GgufError(f"The metadata key {key!r} has a value of unknown type {kind}.")

    def text(self, key: str) -> str | None:
        """A string, or None for one that is too long to keep."""
        size = self.count("Q", MAX_STRING, f"bytes for a value of {key!r}")
        if size > MAX_KEPT_STRING:
            self.skip(size)
            return None
        self.keep(OBJECT + 4 * size)  # Python stores four bytes a character once one of them needs it
        return self.decoded(size, f"value of {key!r}")

    def array(self, key: str) -> list[Any] | None:
        """A short array as a list; None for tokenizer tables and long arrays, which are skipped."""
        kind = self.scalar("I")
        count = self.count("Q", MAX_TOKENS, f"values of {key!r}")
        if key == "tokenizer.ggml.tokens":
            self.n_tokens = count
        keep = count <= MAX_KEPT_ARRAY and not key.startswith("tokenizer.")
        if kind in SCALARS:
            code = SCALARS[kind]
            size = count * PACKED[code].size
            if keep:
                self.keep(OBJECT * count)
                return list(struct.unpack(f"<{count}{code}", self.take(size)))
            self.skip(size)
            return None
        if kind == ARRAY:  # nested arrays; the engine's own reader refuses them as well (`ggml/src/gguf.cpp`)
            raise GgufError(f"The metadata key {key!r} nests arrays; only arrays one deep are read.")
        if kind != STRING:
            raise GgufError(f"The metadata key {key!r} has values of unknown type {kind}.")
        if keep:
            return [self.text(key) for _ in range(count)]
        self.skip_strings(count, key)
        return None

    def tensors(self, count: int) -> tuple[list[dict[str, Any]], list[tuple[int, int, str]]]:
        tensors, extents, names = [], [], set()
        for _ in range(count):
            name = self.string(MAX_NAME, "tensor name")
            if name in names:
                raise GgufError(f"The tensor {name!r} appears twice.")
            names.add(name)
            dimensions = self.scalar("I")
            if not 0 < dimensions <= MAX_DIMENSIONS:
                raise GgufError(f"The tensor {name!r} has {dimensions} dimensions; 1 to {MAX_DIMENSIONS} are possible.")
            entry = ENTRIES[dimensions]
            *shape, kind, offset = entry.unpack(self.take(entry.size))
            if kind not in TYPES:
                raise GgufError(f"The tensor {name!r} has the unknown type {kind}.")
            type_name, block, size = TYPES[kind]
            elements = prod(shape)
            if not 0 < elements <= 1 << 48 or shape[0] % block:
                raise GgufError(f"The tensor {name!r} has a shape that type {type_name} cannot have.")
            tensors.append({"name": name, "shape": shape, "type": type_name})
            extents.append((offset, elements // block * size, name))
        return tensors, extents

    def check_extents(self, extents: list[tuple[int, int, str]], start: int, alignment: int) -> None:
        end = 0
        for offset, size, name in sorted(extents):
            if offset % alignment:
                raise GgufError(f"The tensor {name!r} does not start at a multiple of {alignment} bytes.")
            if offset < end:
                raise GgufError(f"The tensor {name!r} overlaps the one before it.")
            end = offset + size
            if start + end > self.size:
                raise GgufError(f"The file is cut short: the tensor {name!r} ends after byte {self.size}.")

    # ------------------------------------------------------------ bytes

    def need(self, size: int) -> None:
        """Ensures that the next `size` bytes of the file are in the window, from `self.at` on."""
        if size > self.limit - self.start - self.at:
            raise self.short()
        if self.at + size > len(self.window):
            self.start += self.at
            self.file.seek(self.start)
            self.window, self.at = self.file.read(max(size, CHUNK)), 0
            if len(self.window) < size:
                raise self.short()

    def take(self, size: int) -> bytes:
        self.need(size)
        self.at += size
        return self.window[self.at - size : self.at]

    def keep(self, size: int) -> None:
        self.kept += size
        if self.kept > MAX_KEPT:
            raise GgufError(f"The header's metadata would take more than {MAX_KEPT >> 20} MiB of memory.")

    def skip(self, size: int) -> None:
        if size > self.limit - self.start - self.at:
            raise self.short()
        self.at += size

    def skip_strings(self, count: int, key: str) -> None:
        """Skips strings by reading only their lengths: a tokenizer holds some 100,000 of them."""
        self.n_strings += count
        if self.n_strings > MAX_STRINGS:
            raise GgufError(f"The header's arrays hold more than {MAX_STRINGS} strings.")
        window, at, end, length = self.window, self.at, len(self.window) - 8, int.from_bytes
        for _ in range(count):
            if at > end:
                self.at = at
                self.need(8)
                window, at, end = self.window, self.at, len(self.window) - 8
            size = length(window[at : at + 8], "little")
            if size > MAX_STRING:
                raise GgufError(f"A string of {key!r} is {size} bytes long; at most {MAX_STRING} are read.")
            at += 8 + size
        self.at = at
        self.skip(0)

    def short(self) -> GgufError:
        if self.limit < self.size:
            return GgufError(f"The header is longer than {MAX_HEADER >> 20} MiB.")
        return GgufError("The file is cut short within its header.")

    def scalar(self, code: str) -> Any:
        packed = PACKED[code]
        return packed.unpack(self.take(packed.size))[0]

    def count(self, code: str, most: int, what: str) -> int:
        value = int(self.scalar(code))
        if value > most:
            raise GgufError(f"The header states {value} {what}; at most {most} are read.")
        return value

    def string(self, most: int, what: str) -> str:
        return self.decoded(self.count("Q", most, f"bytes for a {what}"), what)

    def decoded(self, size: int, what: str) -> str:
        try:
            return self.take(size).decode()
        except UnicodeDecodeError:
            raise GgufError(f"A {what} is not UTF-8 text.") from None
