"""Mutated GGUF headers from a committed corpus: a number gives the same header in the tests and in the bench.

security/data/*.gguf.gz: headers of published models, cut to the first blocks and a small vocabulary, and headers that
once broke something.
"""

from __future__ import annotations

import gzip
import math
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from advisor.fit.build import Tensor
from advisor.fit.engines.llama_cpp.ggml_types import BLOCKS
from catalog.gguf import read_header
from tests.support import hollow

# Keys that some architecture's arithmetic reads, to be planted under any architecture's name.
KEYS = (
    *("attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length"),
    *("attention.kv_lora_rank", "attention.key_length_mla", "attention.sliding_window", "attention.shared_kv_layers"),
    *("attention.sliding_window_pattern", "attention.causal", "block_count", "nextn_predict_layers", "expert_count"),
    *("expert_used_count", "embedding_length_per_layer_input", "ssm.inner_size", "ssm.state_size", "ssm.conv_kernel"),
    *("ssm.group_count", "shortconv.l_cache", "kda.head_dim", "rope.dimension_count", "vocab_size"),
)

DATA = Path(__file__).parent.parent / "security" / "data"
HOLE = 1 << 36  # bytes of absent data, so that offsets and sizes stay within the file
NUMBERS = (0, 1, 2, 255, 1 << 15, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 60, (1 << 64) - 1)
VALUES: tuple[Any, ...] = (
    *NUMBERS, -1, -(1 << 31), True, 0.0, -0.5, 1e30, math.nan, math.inf, "", "0", "llama\n", "\U0001f4a5" * 9,
    [], [0], [-1], [1 << 31], [1.5, math.nan], [True, False], ["a", "b"], [1] * 5000, [7] * 3,
)  # fmt: skip


@cache
def seeds() -> dict[str, bytes]:
    return {path.name.partition(".gguf")[0]: gzip.decompress(path.read_bytes()) for path in sorted(DATA.glob("*.gz"))}


@cache
def parsed(name: str, folder: Path) -> tuple[dict[str, Any], list[Tensor]]:
    """Metadata and tensors of a seed, without its tokenizer; `folder` is scratch space."""
    path = folder / f"{name}.gguf"
    write(path, seeds()[name])
    read = read_header(path)
    return read["kv"], [Tensor(t["name"], tuple(t["shape"]), t["type"]) for t in read["tensors"]]


def write(path: Path, head: bytes) -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + HOLE)


def mutated(number: int, folder: Path) -> bytes:
    """Header `number`: a seed with bytes changed, or with its metadata and tensors falsified and rewritten."""
    dice = Random(number)
    name = dice.choice(list(seeds()))
    lies = dice.random() < 0.6
    head = structured(dice, *parsed(name, folder)) if lies else seeds()[name]
    for _ in range(dice.choice((0, 0, 0, 1, 2) if lies else (1, 1, 2, 4, 16))):
        head = dice.choice(CHANGES)(dice, head)
    return head


# ---------------------------------------------------------------- bytes


def flip(dice: Random, head: bytes) -> bytes:
    return over(head, dice.randrange(len(head) or 1), bytes([dice.randrange(256)]))


def number(dice: Random, head: bytes) -> bytes:
    return over(head, dice.randrange(len(head) or 1), struct.pack("<Q", dice.choice(NUMBERS))[: dice.choice((4, 8))])


def cut(dice: Random, head: bytes) -> bytes:
    return head[: dice.randrange(len(head) or 1)]


def drop(dice: Random, head: bytes) -> bytes:
    at, size = piece(dice, head)
    return head[:at] + head[at + size :]


def repeat(dice: Random, head: bytes) -> bytes:
    at, size = piece(dice, head)
    return head[: at + size] + head[at:]


def splice(dice: Random, head: bytes) -> bytes:
    other = seeds()[dice.choice(list(seeds()))]
    return head[: dice.randrange(len(head) or 1)] + other[dice.randrange(len(other)) :]


CHANGES: tuple[Callable[[Random, bytes], bytes], ...] = (flip, flip, number, number, cut, drop, repeat, splice)


def over(head: bytes, at: int, data: bytes) -> bytes:
    return head[:at] + data + head[at + len(data) :]


def piece(dice: Random, head: bytes) -> tuple[int, int]:
    return dice.randrange(len(head) or 1), dice.choice((1, 4, 8, 12, 64, 300))


# ---------------------------------------------------------------- what the header says


def structured(dice: Random, kv: dict[str, Any], tensors: list[Tensor]) -> bytes:
    kv, tensors = dict(kv), list(tensors)
    for _ in range(dice.choice((1, 1, 2, 3))):
        if dice.random() < 0.7:
            key = f"{kv['general.architecture']}.{dice.choice(KEYS)}"
            kv[dice.choice((key, key, *kv))] = dice.choice(VALUES)
        elif dice.random() < 0.3 and len(tensors) > 1:
            del tensors[dice.randrange(len(tensors))]
        else:
            at = dice.randrange(len(tensors))
            tensors[at] = lying(dice, tensors[at], tensors)
    return hollow.header(kv, tensors)[0]


def lying(dice: Random, tensor: Tensor, tensors: list[Tensor]) -> Tensor:
    kind = dice.randrange(3)
    if kind == 0:
        return tensor._replace(type=dice.choice(list(BLOCKS)))
    if kind == 1:
        first, *rest = tensor.name.split(".")
        elsewhere = ".".join((first, str(dice.randrange(600)), *rest[1:]))
        return tensor._replace(name=dice.choice((dice.choice(tensors).name, elsewhere, "é")))
    shape = list(tensor.shape)
    shape[dice.randrange(len(shape))] = dice.choice((0, 1, 32, 256, 1 << 20))
    return tensor._replace(shape=tuple(shape[: dice.choice((1, 2, 3, 4))]))
