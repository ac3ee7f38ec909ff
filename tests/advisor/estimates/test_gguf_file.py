"""What a file or a config.json says, read for `manage.py estimate`, and what both refuse in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from advisor.estimates.gguf_file import bounded, sizes_of
from advisor.files.local import find_file
from advisor.fit.engines.llama_cpp.settings_text import read_settings
from advisor.fit.sizes_json import from_json
from tests.accuracy import measured
from tests.accuracy.loaded_configs import CONFIGS
from tests.support import hollow
from tests.support.estimate_command import called
from tests.support.launches import SEED


def test_the_catalogs_row_of_the_bundled_model_says_what_its_file_says() -> None:
    row = json.loads(SEED.read_text())["builds"][0]
    path = find_file(row["files"], roots=[])
    assert path
    assert from_json(row["sizes"]) == sizes_of(str(path), None)


QWEN = CONFIGS["qwen3-8b"]


def written(path: Path, config: Any) -> Path:
    path.write_text(json.dumps(config))
    return path


def test_the_command_predicts_from_a_config_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "config.json", QWEN)
    answer = json.loads(called("--config", path, "--quantization", "Q8_0", "--context", 8192, "--devices", 1, "--json"))
    assert answer["basis"] == "computed"
    assert answer["devices"]["gpu0"]["kv"] == 8192 * 36 * 2048 * 2
    whole = bounded(measured.sizes("qwen3-8b", "q8_0"), read_settings({"ctx": 8192, "ndev": 1, "ngl": -1}))
    assert answer["devices"]["gpu0"]["total"] == whole.devices[0].total


def test_a_config_beside_a_file_must_be_of_the_same_model(tmp_path: Path) -> None:
    head = measured.header("qwen3-8b", "q4_k_m")
    file = hollow.write(tmp_path / "m.gguf", head.kv, head.tensors, head.n_vocab)
    same = json.loads(called(file, "--config", written(tmp_path / "config.json", QWEN), "--json"))
    assert same == json.loads(called(file, "--json"))
    assert same["basis"] == "exact header"
    for name, words in (
        ("qwen3-0.6b", "block_count is 36 and 28"),
        ("llama-3.1-8b", "architecture is qwen3 and llama"),
    ):
        with pytest.raises(CommandError, match=words):
            called(file, "--config", written(tmp_path / "config.json", CONFIGS[name]))


BAD = {
    "unknown type": ({**QWEN, "model_type": "warp"}, [], "layout of warp models is not known"),
    "unknown quantization": (QWEN, ["--quantization", "Q9"], "quantization must be one of"),
    "not said": ({k: v for k, v in QWEN.items() if k != "hidden_size"}, [], "does not say hidden_size"),
    "countless layers": ({**QWEN, "num_hidden_layers": 2000}, [], "at most 512 are possible"),
    "some layers dense": (
        {**CONFIGS["qwen3-30b-a3b"], "decoder_sparse_step": 2}, [], "decoder_sparse_step other than 1 is not known"
    ),
    "no heads": ({**QWEN, "num_key_value_heads": 0}, [], "above 0"),
    "no object": ([1], [], "not a JSON object"),
    "too few kinds": ({**CONFIGS["gpt-oss-120b"], "layer_types": ["full_attention"]}, [], "every layer"),
    "letters nobody knows": (
        {**CONFIGS["nemotron-nano-9b-v2"], "hybrid_override_pattern": "M?" * 28}, [], "kinds of blocks"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_known_is_said_in_one_sentence(tmp_path: Path, name: str) -> None:
    config, options, words = BAD[name]
    with pytest.raises(CommandError, match=words) as caught:
        called("--config", written(tmp_path / "config.json", config), *options)
    assert str(caught.value).endswith(".")


def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("{")
    (tmp_path / "long").write_text(" " * (5 << 20))
    for name, words in (("text", "not JSON"), ("long", "longer than 4 MiB"), ("none", "cannot be read")):
        with pytest.raises(CommandError, match=words):
            called("--config", tmp_path / name)
    with pytest.raises(CommandError, match="goes with --config alone"):
        called(tmp_path / "m.gguf", "--quantization", "Q8_0")
