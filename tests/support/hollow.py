"""GGUF files with a complete header and a hole in place of the data: a whole model at the size of its header."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from advisor.fit.build import Tensor
from advisor.fit.engines.llama_cpp.ggml_types import tensor_bytes
from catalog.gguf import TYPES

IDS = {name: number for number, (name, _, _) in TYPES.items()}
ALIGNMENT = 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 4, 5, 6, 7, 8, 9, 10
CODES = {BOOL: "<?", FLOAT32: "<f", UINT32: "<I", INT32: "<i", UINT64: "<Q"}
SCALARS: dict[int, Callable[[Any], bool]] = {  # the first match counts
    BOOL: lambda x: isinstance(x, bool),
    FLOAT32: lambda x: isinstance(x, float),
    UINT32: lambda x: 0 <= x < 1 << 32,
    INT32: lambda x: x < 0,
    UINT64: lambda x: True,
}


def string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(item: Any) -> tuple[int, bytes]:
    """(type, bytes) of a metadata value."""
    if isinstance(item, str):
        return STRING, string(item)
    if isinstance(item, list):
        packed = [value(x) for x in item]
        kind = packed[0][0] if packed else UINT32
        return ARRAY, struct.pack("<IQ", kind, len(packed)) + b"".join(data for _, data in packed)
    kind = next(kind for kind, fits in SCALARS.items() if fits(item))
    return kind, struct.pack(CODES[kind], item)


def pair(key: str, item: Any) -> bytes:
    kind, data = value(item)
    return string(key) + struct.pack("<I", kind) + data


def header(kv: dict[str, Any], tensors: Iterable[Tensor], *, version: int = 3) -> tuple[bytes, int]:
    """The header's bytes, padded to the start of the data, and the length of the data."""
    infos, offset, count = [], 0, 0
    for tensor in tensors:
        shape = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
        infos.append(string(tensor.name) + shape + struct.pack("<IQ", IDS[tensor.type], offset))
        offset += -(-tensor_bytes(tensor.shape, tensor.type) // ALIGNMENT) * ALIGNMENT
        count += 1
    pairs = [pair(key, item) for key, item in kv.items()]
    data = b"GGUF" + struct.pack("<IQQ", version, count, len(pairs)) + b"".join(pairs) + b"".join(infos)
    return data + b"\0" * (-len(data) % ALIGNMENT), offset


def write(path: Path, kv: dict[str, Any], tensors: Iterable[Tensor], n_vocab: int) -> Path:
    """Write a sparse file with the model's true length."""
    tokenizer = {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": [f"t{i}" for i in range(n_vocab)]}
    # The engine rejects a file without these.
    tokenizer |= {"tokenizer.ggml.pre": "default", "tokenizer.ggml.merges": ["t 0", "t 1"]}
    data, length = header(kv | tokenizer, tensors)
    with path.open("wb") as file:
        file.write(data)
        file.truncate(len(data) + length)
    return path
