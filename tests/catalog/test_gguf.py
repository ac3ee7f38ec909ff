from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.fit.build import Tensor
from advisor.fit.engines.llama_cpp.ggml_types import BLOCKS
from catalog.gguf import TYPES, GgufError, read_header
from tests.support import hollow

KV = {"general.architecture": "llama", "llama.block_count": 1, "llama.embedding_length": 256}
TENSORS = [Tensor("token_embd.weight", (256, 10), "q4_K"), Tensor("output_norm.weight", (256,), "f32")]


def written(path: Path, head: bytes, length: int = 1 << 20) -> Path:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + length)
    return path


def start(tensors: int, keys: int, *, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


def tensor(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    return hollow.string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape) + struct.pack("<IQ", kind, offset)


def key(name: str, kind: int, data: bytes) -> bytes:
    return hollow.string(name) + struct.pack("<I", kind) + data


def test_metadata_and_tensors_are_read_and_tokens_only_counted(tmp_path: Path) -> None:
    path = hollow.write(tmp_path / "m.gguf", KV | {"llama.list": [1, 2], "llama.flag": True}, TENSORS, 1000)
    read = read_header(path)
    assert read["n_vocab"] == 1000
    tokenizer = {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "default"}
    assert read["kv"] == KV | {"llama.list": [1, 2], "llama.flag": True} | tokenizer
    assert read["tensors"] == [{"name": t.name, "shape": list(t.shape), "type": t.type} for t in TENSORS]
    assert read["file_bytes"] == os.path.getsize(path)
    assert read["data_offset"] == read["file_bytes"] - 10 * 144 - 1024


def test_version_2_is_read_alike(tmp_path: Path) -> None:
    head, length = hollow.header(KV, TENSORS, version=2)
    assert len(read_header(written(tmp_path / "m", head, length))["tensors"]) == 2


def test_the_block_sizes_of_reader_and_sums_agree() -> None:
    assert {name: (block, size) for name, block, size in TYPES.values()} == BLOCKS


def test_every_type_passes(tmp_path: Path) -> None:
    tensors = [Tensor(name, (512, 2), name) for name in BLOCKS]
    assert len(read_header(hollow.write(tmp_path / "m", KV, tensors, 0))["tensors"]) == len(BLOCKS)


HOSTILE = {
    "too short": (b"GGUF", "too short"),
    "another format": (b"PK" * 20, "not a GGUF file"),
    "another version": (start(0, 0, version=1), "version 1"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "versions 2 and 3"),
    "countless tensors": (start(1 << 60, 0), "tensors"),
    "countless keys": (start(0, 1 << 40), "metadata keys"),
    "endless key": (start(0, 1) + struct.pack("<Q", 1 << 62), "bytes for a key"),
    "endless string": (start(0, 1) + key("a", 8, struct.pack("<Q", 1 << 63)), "bytes for a value"),
    "countless values": (start(0, 1) + key("a", 9, struct.pack("<IQ", 4, 1 << 61)), "values of 'a'"),
    "array past the end": (start(0, 1) + key("a", 9, struct.pack("<IQ", 12, 2_000_000)), "cut short"),
    "token past the end": (start(0, 1) + key("tokenizer.x", 9, struct.pack("<IQQ", 8, 2, 7 << 20)), "cut short"),
    "endless token": (start(0, 1) + key("tokenizer.x", 9, struct.pack("<IQQ", 8, 2, 1 << 62)), "at most"),
    "nested arrays": (start(0, 1) + key("a", 9, struct.pack("<IQ", 9, 1) * 50), "one deep"),
    "unknown value": (start(0, 1) + key("a", 99, b""), "unknown type 99"),
    "key twice": (start(0, 2) + key("a", 7, b"\1") * 2, "twice"),
    "bad text": (start(0, 1) + key("a", 8, struct.pack("<Q", 1) + b"\xff"), "UTF-8"),
    "bad alignment": (start(0, 1) + key("general.alignment", 4, struct.pack("<I", 33)), "power of two"),
    "no dimensions": (start(1, 0) + tensor("t", (), 0, 0), "0 dimensions"),
    "many dimensions": (start(1, 0) + tensor("t", (1,) * 9, 0, 0), "9 dimensions"),
    "empty tensor": (start(1, 0) + tensor("t", (0, 4), 0, 0), "shape"),
    "overflowing tensor": (start(1, 0) + tensor("t", (1 << 32, 1 << 32), 0, 0), "shape"),
    "partial block": (start(1, 0) + tensor("t", (33,), 8, 0), "shape that type q8_0"),
    "unknown type": (start(1, 0) + tensor("t", (32,), 77, 0), "unknown type 77"),
    "tensor twice": (start(2, 0) + tensor("t", (8,), 0, 0) + tensor("t", (8,), 0, 32), "twice"),
    "overlap": (start(2, 0) + tensor("a", (32,), 0, 0) + tensor("b", (32,), 0, 96), "overlaps"),
    "misplaced": (start(1, 0) + tensor("t", (8,), 0, 7), "multiple of 32"),
    "data past the end": (start(1, 0) + tensor("t", (1 << 30,), 0, 0), "cut short"),
    "offset past everything": (start(1, 0) + tensor("t", (8,), 0, (1 << 64) - 32), "cut short"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    head, words = HOSTILE[name]
    with pytest.raises(GgufError, match=words) as caught:
        read_header(written(tmp_path / "m", head, 0 if name == "too short" else 1 << 16))
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_folder_a_pipe_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "none"):
        with pytest.raises(GgufError):
            read_header(path)


def test_a_file_cut_anywhere_in_its_header_is_refused(tmp_path: Path) -> None:
    head, _ = hollow.header(KV, TENSORS)
    for size in range(len(head)):
        with pytest.raises(GgufError):
            read_header(written(tmp_path / "m", head[:size], 0))


@given(st.data())
def test_changed_bytes_are_read_or_refused_but_never_break_the_reader(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    head, length = hollow.header(KV | {"llama.list": [1, 2], "general.name": "x"}, TENSORS)
    changed = bytearray(head)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(head) - 1))] = data.draw(st.integers(0, 255))
    path = written(tmp_path_factory.getbasetemp() / "changed.gguf", bytes(changed), length)
    with suppress(GgufError):  # anything else is a fault of the reader
        read_header(path)
