"""Headers that lie, through reader, sums and command: a figure or one sentence, within a second and 64 MB."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command

from advisor.estimates import gguf_file
from advisor.fit.build import Tensor
from advisor.fit.engines.llama_cpp.settings_text import read_settings
from bench import fuzz_gguf
from catalog.gguf import GgufError, read_header
from tests.support import hollow, mutations

MUTATED = 4000
KV = {
    "general.architecture": "llama", "llama.block_count": 1, "llama.embedding_length": 256,
    "llama.feed_forward_length": 512, "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2,
    "llama.context_length": 4096, "llama.vocab_size": 10,
}  # fmt: skip
TENSORS = [
    Tensor("token_embd.weight", (256, 10), "q4_K"),
    Tensor("blk.0.attn_q.weight", (256, 256), "q4_K"),
    Tensor("blk.0.attn_k.weight", (256, 128), "q4_K"),
    Tensor("blk.0.attn_v.weight", (256, 128), "q4_K"),
    Tensor("blk.0.ffn_up.weight", (256, 512), "q4_K"),
    Tensor("blk.0.ffn_down.weight", (512, 256), "q4_K"),
    Tensor("output_norm.weight", (256,), "f32"),
]


def file(path: Path, kv: dict[str, Any], tensors: list[Tensor] = TENSORS) -> Path:
    mutations.write(path, hollow.header(kv, tensors)[0])
    return path


def refused(path: Path, *options: str) -> str:
    with pytest.raises(CommandError) as caught:
        call_command("estimate", str(path), "--devices", "1", *options)
    return str(caught.value).removeprefix(f"{path}: ")


def test_the_honest_header_is_predicted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("estimate", str(file(tmp_path / "m", KV)), "--json", "--context", "4096")
    assert orjson.loads(capsys.readouterr().out)["host"]["kv"] == 4096 * 2 * 128 * 2


WHOLE = "must be a whole number from 0 to 2147483647."
LIES: dict[str, tuple[str, Any, str]] = {
    "no heads": ("llama.attention.head_count_kv", 0, "Block 0 attends, but the file states no heads for it."),
    "negative heads": ("llama.attention.head_count_kv", -2, WHOLE),
    "heads in words": ("llama.attention.head_count", "four", WHOLE),
    "heads that are no number": ("llama.attention.head_count", float("nan"), WHOLE),
    "endless heads": ("llama.attention.head_count_kv", float("inf"), WHOLE),
    "heads beyond counting": ("llama.attention.head_count_kv", 1 << 63, WHOLE),
    "heads of fewer blocks": ("llama.attention.head_count_kv", [], "0 values for more blocks."),
    "negative heads in one block": ("llama.attention.head_count_kv", [-1], WHOLE),
    "more memory than can be": ("llama.attention.head_count_kv", (1 << 31) - 1, "more memory than can be"),
    "absurd blocks": ("llama.block_count", (1 << 31) - 1, "2147483647 blocks; at most 512 are possible."),
    "blocks without tensors": ("llama.block_count", 80, "80 blocks, but holds no tensor of block 1."),
    "blocks as a fraction": ("llama.block_count", 1.5, WHOLE),
    "no blocks": ("llama.block_count", 0, "no architecture, block count or embedding length"),
    "negative window": ("llama.attention.shared_kv_layers", -1, WHOLE),
    "architecture as a list": ("general.architecture", ["llama"], "no architecture, block count or embedding length"),
    "architecture in two lines": ("general.architecture", "llama\n", "no name that can be printed."),
    "negative vocabulary": ("llama.vocab_size", -5, "The vocabulary's size must be a whole number"),
    "endless vocabulary": ("llama.vocab_size", 1 << 40, "The vocabulary's size must be a whole number"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused_in_one_sentence_that_names_it(tmp_path: Path, name: str) -> None:
    key, value, words = LIES[name]
    sentence = refused(file(tmp_path / "m", KV | {key: value}), "--context", str(1 << 28))
    assert words in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("name", ["blk.0.ssm_in.weight", "blk.0.ffn_up.weight"])
def test_a_matrix_of_one_row_is_no_fault_of_ours(tmp_path: Path, name: str) -> None:
    tensors = [*(t for t in TENSORS if t.name != name), Tensor(name, (256,), "f32")]
    gguf_file.predict(str(file(tmp_path / "m", KV, tensors)), read_settings({"ctx": 512}))


def test_more_shared_caches_than_blocks_do_not_loop(tmp_path: Path) -> None:
    path = file(tmp_path / "m", KV | {"llama.attention.shared_kv_layers": (1 << 31) - 1})
    started = time.process_time()
    gguf_file.predict(str(path), read_settings({"ctx": 512}))
    assert time.process_time() - started < 0.5


def test_a_key_that_is_not_kept_cannot_come_twice(tmp_path: Path) -> None:
    tokens = hollow.pair("tokenizer.ggml.tokens", ["a", "b"])
    mutations.write(tmp_path / "m", b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + tokens * 2)
    with pytest.raises(GgufError, match="twice"):
        read_header(tmp_path / "m")


def test_a_long_template_is_stepped_over(tmp_path: Path) -> None:
    read = read_header(file(tmp_path / "m", {"tokenizer.chat_template": "x" * 100_000} | KV))
    assert "tokenizer.chat_template" not in read["kv"]
    assert read["kv"] == KV


@pytest.mark.parametrize("line", ["[]", "7", '{"id": 1, "gguf": "m", "settings": []}', '{"id": 1, "gguf": 3}'])
def test_a_line_of_another_form_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "batch").write_text(line)
    with pytest.raises(CommandError, match="Line 1"):
        call_command("estimate", "--batch", str(tmp_path / "batch"))


def test_a_path_with_a_null_character_is_refused() -> None:
    assert refused(Path("a\0b")).endswith("The path holds a null character.")


# ---------------------------------------------------------------- what costs most within the bounds


def start(tensors: int, keys: int) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, keys)


def many_tensors() -> bytes:
    names = (f"blk.{i % 512}.ffn_down_exps.{i:x<230}" for i in range(16_384))
    kv = KV | {"llama.block_count": 512, "llama.attention.head_count_kv": [2] * 512}
    return hollow.header(kv, [Tensor(name, (32, 1, 1, 1), "q8_0") for name in names])[0]


def many_strings() -> bytes:
    count = (3 << 20) // 3
    table = struct.pack("<IIQ", 9, 8, count) + bytes(8 * count)
    keys = (hollow.string(f"tokenizer.{i}") + table for i in range(3))
    return start(0, 3) + b"".join(keys)


def many_numbers() -> bytes:
    table = struct.pack("<IIQ", 9, 0, 4096) + b"\xff" * 4096
    return start(0, 4096) + b"".join(hollow.string(f"k{i}") + table for i in range(4096))


def wide_text() -> bytes:
    text = "x" * 65_000 + "\U0001f4a5"  # one wide character makes Python hold all of them in four bytes
    return start(0, 4096) + b"".join(hollow.pair(f"k{i}", text) for i in range(400))


def nested() -> bytes:
    return start(0, 1) + hollow.string("k") + struct.pack("<IIQ", 9, 9, 2 << 20) + struct.pack("<IQ", 0, 0) * (2 << 20)


WORST = {f.__name__: f for f in (many_tensors, many_strings, many_numbers, wide_text, nested)}


# Seconds of this process, and bytes by which its largest size grew.
MEASURE = """
import sys, time
from advisor.estimates import gguf_file
from advisor.fit.engines.llama_cpp.settings_text import read_settings
def peak(): return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) << 10
wanted = read_settings({"ctx": 1 << 20, "ndev": 2, "ngl": -1, "ot": r"ffn_(up|down)_exps=CPU"})
before, started = peak(), time.process_time()
try:
    gguf_file.bounded(gguf_file.read_sizes(sys.argv[1], wanted.moved), wanted)
except ValueError as error:
    assert str(error).endswith(".")
print(time.process_time() - started, peak() - before)
"""


@pytest.mark.parametrize("name", WORST)
def test_the_costliest_header_takes_less_than_a_second_and_64_mb(tmp_path: Path, name: str) -> None:
    mutations.write(tmp_path / "m", WORST[name]())
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "m")]
    seconds, grown = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert float(seconds) < 1
    assert int(grown) < 64e6


@pytest.mark.parametrize("name", mutations.seeds())
def test_every_header_of_the_corpus_is_predicted_or_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    mutations.write(tmp_path / "m", mutations.seeds()[name])
    for number in range(len(fuzz_gguf.REQUESTS)):
        fuzz_gguf.outcome(tmp_path / "m", number)


def test_mutated_headers_are_predicted_or_refused_in_a_sentence(tmp_path: Path) -> None:
    outcomes = set()
    for number in range(MUTATED):
        mutations.write(tmp_path / "m", mutations.mutated(number, tmp_path))
        outcomes.add(fuzz_gguf.outcome(tmp_path / "m", number))
    assert outcomes == {"predicted", "refused by the reader", "refused by the sums"}
