from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError

from advisor.management.commands import estimate
from tests.accuracy import measured
from tests.support import hollow
from tests.support.estimate_command import called
from tests.support.every_row import every_row

ROWS = [row for row in measured.rows() if row["model"] in ("qwen3-0.6b", "mamba-2.8b", "gpt-oss-120b")]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    folder = tmp_path_factory.mktemp("hollow")
    made = {}
    for model, quantization in {(row["model"], row["quant"]) for row in ROWS}:
        header = measured.header(model, quantization)
        path = folder / f"{model}.{quantization}.gguf"
        made[model, quantization] = hollow.write(path, header.kv, header.tensors, header.n_vocab)
    return made


def test_a_batch_over_real_files_gives_what_the_sums_give_on_their_headers(files: Any, tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    lines = [
        {"id": row["id"], "gguf": str(files[row["model"], row["quant"]]), "settings": row["settings"]} for row in ROWS
    ]
    batch.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    answers = list(map(orjson.loads, called("--batch", batch).splitlines()))
    assert [answer["id"] for answer in answers] == [row["id"] for row in ROWS]
    for answer, row in zip(answers, ROWS, strict=True):
        memory = measured.predicted(row)
        assert [d["total"] for d in answer["devices"].values()] == [d.total for d in memory.devices]
        assert answer["host"]["total"] == memory.host.total


def test_one_file_prints_bytes_per_device_and_the_engine_build(files: Any) -> None:
    answer = orjson.loads(called(files["qwen3-0.6b", "q4_k_m"], "--context", 32768, "--gpu-layers", -1, "--json"))
    assert set(answer["devices"]) == {"gpu0"}
    assert answer["devices"]["gpu0"]["kv"] == 32768 * 28 * 2048 * 2
    assert answer["computed_for"] == "llama.cpp b11434"


def test_without_devices_everything_lies_on_the_host(files: Any) -> None:
    assert orjson.loads(called(files["qwen3-0.6b", "q4_k_m"], "--json"))["devices"] == {}


def test_another_program_s_defaults_stand_in_where_nothing_is_stated(files: Any) -> None:
    path = files["qwen3-0.6b", "q4_k_m"]
    studio = orjson.loads(called(path, "--as", "lm-studio", "--json"))
    assert studio["as"].startswith("LM Studio ")
    assert studio["settings"] | {"ctx": 4096, "par": 4, "unified": 1} == studio["settings"]
    plain = orjson.loads(
        called(path, "--context", 4096, "--slots", 4, "--unified", 1, "--flash-attention", 1, "--json")
    )
    assert studio["host"] == plain["host"]
    ollama = called(path, "--as", "ollama", "--context", 32768, "--ubatch-size", 256)
    assert "asks for it: ctx 32768, par 1" in ollama
    assert "batch 1024, ubatch 256" in ollama
    for wrong in (-1, "x"):
        with pytest.raises(CommandError, match="--context must be a whole number"):
            called(path, "--as", "ollama", f"--context={wrong}")
    with pytest.raises(CommandError, match=r"^--as must be one of ollama, lm-studio, not 'foo'\.$"):
        called(path, "--as", "foo")


@pytest.mark.parametrize("batch", ["--batch", "--vllm-batch", "--speed-batch"])
def test_what_a_batch_would_ignore_is_refused_beside_it(batch: str) -> None:
    with every_row() as row:
        for option in ("--as", "--quantization", *(name for name, *_ in estimate.OPTIONS)):
            words = rf"^{option} goes with one file or configuration: a batch says it"
            with row(option), pytest.raises(CommandError, match=words):
                called(batch, "-", option, 0)


def test_a_table_for_people(files: Any) -> None:
    assert "gpu1" in called(files["qwen3-0.6b", "q4_k_m"], "--devices", 2)


def test_an_override_moves_what_it_names(files: Any) -> None:
    path = files["qwen3-0.6b", "q4_k_m"]
    settings = ("--devices", 1, "--json")
    whole = orjson.loads(called(path, *settings))["devices"]["gpu0"]["weights"]
    kept = orjson.loads(called(path, *settings, "--override-tensor", r"blk\.[01]\.ffn_=CPU"))["devices"]["gpu0"][
        "weights"
    ]
    header = measured.header("qwen3-0.6b", "q4_k_m")
    assert 0 < whole - kept < sum(t.shape[0] * t.shape[1] for t in header.tensors if ".ffn_" in t.name and t.shape[1:])


BAD = {
    "context": (["--context", 0], "--context must be a whole number from 1 to"),
    "no number": (["--context", "long"], "--context must be a whole number from 1 to"),
    "cache type": (["--kv-type-k", "q9"], "--kv-type-k must be one of"),
    "split": (["--devices", 2, "--tensor-split", "a,b"], "one share per device"),
    "override": (["--override-tensor", "(=CPU"], "cannot be read"),
    "other buffer": (["--override-tensor", "x=CUDA0"], "PATTERN=CPU"),
    "quantised V": (
        ["--flash-attention", 0, "--kv-type-v", "q8_0"],
        r"--kv-type-v can be quantised only with flash attention \(--flash-attention -1 or 1\)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_are_refused_in_one_sentence(files: Any, name: str) -> None:
    options, words = BAD[name]
    with pytest.raises(CommandError, match=words):
        called(files["qwen3-0.6b", "q4_k_m"], *options)


@pytest.mark.parametrize("option", ["--batch", "--vllm-batch", "--speed-batch"])
def test_a_bad_line_of_a_batch_is_named(tmp_path: Path, option: str) -> None:
    (tmp_path / "b").write_text('{"gpu": "RTX 4090"}\n')
    with pytest.raises(CommandError, match=r'^Line 1 is not {"id"'):
        called(option, tmp_path / "b")
    (tmp_path / "b").write_text("what?\n")
    with pytest.raises(CommandError, match=r"^Line 1 is not JSON\.$"):
        called(option, tmp_path / "b")
    with pytest.raises(CommandError, match=r"^The batch file cannot be read: no such file or directory\.$"):
        called(option, tmp_path / "none")


@pytest.mark.parametrize("given", [(), ("a.gguf", "--batch", "b"), ("--vllm-batch", "b", "--speed-batch", "b")])
def test_one_thing_is_estimated_at_a_time(given: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="Give one of these"):
        called(*given)
