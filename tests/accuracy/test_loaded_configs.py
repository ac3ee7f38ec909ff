"""From a config.json alone to llama.cpp's own tensor list and bytes."""

from __future__ import annotations

import contextlib
from itertools import product
from typing import Any

import pytest

from advisor.estimates.gguf_file import bounded
from advisor.fit.architectures.computed_header import header
from advisor.fit.architectures.config_defaults import loaded
from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.engines.llama_cpp.settings_text import read_settings
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from tests.accuracy import measured
from tests.accuracy.layouts import LAYOUTS, expected, table
from tests.accuracy.loaded_configs import CONFIGS
from tests.support.every_row import for_every


@for_every(CONFIGS)
def test_a_config_alone_gives_the_tensors_that_llama_cpp_asks_for(name: str, config: dict[str, Any]) -> None:
    for quantization in LAYOUTS[name]["quantizations"]:
        found, wanted = table(header(loaded(config), quantization)), expected(LAYOUTS[name], quantization)
        assert sorted(found.items() ^ wanted.items()) == [], quantization


@for_every(CONFIGS)
def test_and_the_memory_that_the_file_s_header_gives(name: str, config: dict[str, Any]) -> None:
    settings = [read_settings(row) for row in ({"ctx": 16384, "ndev": 1, "ngl": -1}, {"ctx": 8192, "par": 2})]
    for quantization in {q for model, q in measured.builds() if model == name} & {"q4_k_m", "q8_0", "f16", "mxfp4"}:
        # the measured headers were made from unpacked weights: no expert was published in a type of ggml's own
        sizes = summarise(header(loaded(config) | {"expert_type": None}, quantization.upper()))
        for wanted in settings:
            file = bounded(measured.sizes(name, quantization), wanted)
            # gpt-oss: the measured header keeps the experts' biases at 16 bits, published files and this at 32
            assert bounded(sizes, wanted).total == pytest.approx(file.total, rel=0.002)


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
