from __future__ import annotations

import json
from typing import Any

import pytest

from catalog.safetensors import MAX_HEADER, SafetensorsError, Stored, header_size, tensors

GOOD = {
    "__metadata__": {"format": "pt"},
    "b": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]},
    "a": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]},
}


def read(entries: Any, data: int = 16) -> list[Stored]:
    header = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return tensors(header, 8 + len(header) + data)


def changed(name: str = "a", **values: Any) -> dict[str, Any]:
    return GOOD | {name: GOOD[name] | values}  # type: ignore[operator]


def test_tensors_are_read_with_their_shapes_and_the_metadata_is_none() -> None:
    found = read(GOOD)
    assert found == [Stored("b", "F32", (2,)), Stored("a", "BF16", (2, 2))]
    assert [tensor.values for tensor in found] == [2, 4]


def test_values_of_less_than_a_byte_are_rounded_up() -> None:
    assert read({"x": {"dtype": "F4", "shape": [3], "data_offsets": [0, 2]}}, data=2)[0].values == 3


HOSTILE: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{", "not JSON"),
    "very deep": (b"[" * 100_000, "not JSON"),
    "a list": ([1], "not a table"),
    "no offsets": ({"a": {"dtype": "F32", "shape": [2]}}, "not described by"),
    "a number for a tensor": ({"a": 7}, "not described by"),
    "three offsets": (changed(data_offsets=[0, 8, 16]), "not described by"),
    "an unknown type": (changed(dtype="Q9"), "unknown type 'Q9'"),
    "a negative size": (changed(shape=[-2, -2]), "shape or place that cannot be"),
    "a truth for a size": (changed(shape=[True, 4]), "shape or place that cannot be"),
    "a size without end": (changed(shape=[1 << 48]), "shape or place that cannot be"),
    "nine dimensions": (changed(shape=[1] * 9), "shape or place that cannot be"),
    "fewer bytes than its shape": (changed(data_offsets=[0, 4]), "another number of bytes"),
    "an overlap": (changed("b", data_offsets=[4, 12]), "overlap or leave gaps"),
    "a gap": (changed("b", data_offsets=[10, 18]), "overlap or leave gaps"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_header_that_lies_is_refused_in_one_sentence(name: str) -> None:
    entries, words = HOSTILE[name]
    with pytest.raises(SafetensorsError, match=words) as caught:
        read(entries)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("data", [15, 17])
def test_a_file_is_as_long_as_its_tensors(data: int) -> None:
    with pytest.raises(SafetensorsError, match="The tensors end at byte"):
        read(GOOD, data)


@pytest.mark.parametrize(
    ("start", "file_bytes"),
    [
        (b"\0" * 7, 100),
        ((1).to_bytes(8, "little"), 100),
        ((93).to_bytes(8, "little"), 100),
        ((MAX_HEADER + 1).to_bytes(8, "little"), 1 << 40),
        (b"\xff" * 8, 1 << 40),
    ],
    ids=["cut short", "no room for JSON", "past the end", "more than is read", "endless"],
)
def test_a_length_that_cannot_be_is_refused(start: bytes, file_bytes: int) -> None:
    assert header_size((92).to_bytes(8, "little"), 100) == 92
    with pytest.raises(SafetensorsError, match="The header states"):
        header_size(start, file_bytes)
