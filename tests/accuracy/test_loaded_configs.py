"""From a config.json alone to llama.cpp's own tensor list and bytes, and the door that does so."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from advisor.estimates.gguf_file import bounded
from advisor.fit.architectures.computed_header import header
from advisor.fit.architectures.config_defaults import loaded
from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.engines.llama_cpp.settings_text import read_settings
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from tests.accuracy import measured
from tests.accuracy.test_architectures import LAYOUTS, expected, table
from tests.support import hollow

DATA = Path(__file__).parent / "data"
CONFIGS: dict[str, dict[str, Any]] = json.loads(gzip.decompress((DATA / "loaded_configs.json.gz").read_bytes()))[
    "configs"
]
QWEN = CONFIGS["qwen3-8b"]


def called(*arguments: Any) -> str:
    out = io.StringIO()
    call_command("estimate", *map(str, arguments), stdout=out)
    return out.getvalue()


def written(path: Path, config: Any) -> Path:
    path.write_text(json.dumps(config))
    return path


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_alone_gives_the_tensors_that_llama_cpp_asks_for(name: str) -> None:
    for quantization in LAYOUTS[name]["quantizations"]:
        found = table(header(loaded(CONFIGS[name]), quantization))
        assert found == expected(LAYOUTS[name], quantization)


@pytest.mark.parametrize("name", CONFIGS)
def test_and_the_memory_that_the_file_s_header_gives(name: str) -> None:
    settings = [read_settings(row) for row in ({"ctx": 16384, "ndev": 1, "ngl": -1}, {"ctx": 8192, "par": 2})]
    for quantization in {q for model, q in measured.builds() if model == name} & {"q4_k_m", "q8_0", "f16", "mxfp4"}:
        # the measured headers were made from unpacked weights: no expert was published in a type of ggml's own
        sizes = summarise(header(loaded(CONFIGS[name]) | {"expert_type": None}, quantization.upper()))
        for wanted in settings:
            file = bounded(measured.sizes(name, quantization), wanted)
            # gpt-oss: the measured header keeps the experts' biases at 16 bits, published files and this at 32
            assert bounded(sizes, wanted).total == pytest.approx(file.total, rel=0.002)


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


HOSTILE = (0, 1, -1, 1 << 31, 1 << 70, 1.5, "x", True, [], [0], {}, {"rope_type": 3}, ["full_attention"] * 8)


def shortened(config: dict[str, Any]) -> dict[str, Any]:
    """Of eight layers, its text part alone."""
    text = dict(config.get("text_config") or config)
    return {
        **text,
        "num_hidden_layers": 8,
        **({"layer_types": text["layer_types"][:8]} if "layer_types" in text else {}),
    }


@pytest.mark.parametrize("name", ["qwen3-30b-a3b", "gemma-4-e4b", "jamba-mini-52b", "deepseek-v3", "qwen3.5-35b-a3b"])
def test_a_value_that_cannot_be_is_predicted_or_refused(name: str) -> None:
    config = shortened(CONFIGS[name])
    wanted = read_settings({"ctx": 8192, "ndev": 1, "ngl": -1})
    for key, value in product(config, HOSTILE):
        with contextlib.suppress(UnknownLayout, ValueError):  # anything else is a fault
            bounded(summarise(header(loaded({**config, key: value}), "Q4_K_M")), wanted)
