"""Real `config.json` files against what the catalog says of the same models."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from advisor.fit.architectures.computed_header import header
from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.architectures.hub_config import hub_facts
from advisor.fit.architectures.parameter_check import settled
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from catalog import schema, seed
from tests.support.every_row import for_every

CONFIGS: dict[str, dict[str, Any]] = json.loads(  # `Infinity` occurs
    gzip.decompress((Path(__file__).parent / "data" / "configs.json.gz").read_bytes())
)["configs"]
MODELS = {model["slug"]: model for model in seed.models() if model["slug"] in CONFIGS}
# What the file above leaves out and the tensors depend on.
MXFP4 = {"quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}}
QUANTIZED = {"gpt-oss-20b": MXFP4, "gpt-oss-120b": MXFP4}
UNKNOWN = {"minimax-m3", "deepseek-v4-flash", "deepseek-v4-pro", "kimi-k3"}


def tensors(architecture: dict[str, Any], total: int) -> Any:
    return tensors_of(settled(architecture, total), "F16")


def tensors_of(architecture: dict[str, Any], quantization: str) -> Any:
    return header(architecture, quantization).tensors


@for_every(CONFIGS)
def test_a_published_configuration_gives_the_tensors_that_the_catalog_states(slug, config):
    model = MODELS[slug]
    read = hub_facts(config | QUANTIZED.get(slug, {}))
    assert schema.sentences("architecture", read) == []
    if slug in UNKNOWN:
        with pytest.raises(UnknownLayout):
            header(settled(read, model["parameters_total"]), "F16")
        return
    assert tensors(read, model["parameters_total"]) == tensors(model["architecture"], model["parameters_total"])


def test_a_gemma_3_file_that_says_almost_nothing_is_read_with_its_loaders_defaults():
    text = {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34}
    read = hub_facts({"model_type": "gemma3", "text_config": {**text, "sliding_window": 1024}, "vision_config": {}})
    stated = next(model for model in seed.models() if model["slug"] == "gemma-3-4b-it")
    assert tensors(read, stated["parameters_total"]) == tensors(stated["architecture"], stated["parameters_total"])


@pytest.mark.parametrize("quantization", ["F16", "MXFP4", "Q8_0", "Q4_K_M"])
def test_experts_that_are_published_in_mxfp4_stay_so_in_every_conversion(quantization):
    kept = tensors_of(hub_facts(CONFIGS["gpt-oss-20b"] | MXFP4), quantization)
    assert {t.type for t in kept if t.name.endswith("_exps.weight")} == {"mxfp4"}
    assert "mxfp4" not in {t.type for t in kept if "_exps" not in t.name}
    made = tensors_of(hub_facts(CONFIGS["gpt-oss-20b"]), "F16")
    assert {t.type for t in made if t.name.endswith("_exps.weight")} == {"f16"}


def test_the_f16_file_of_a_model_with_such_experts_is_as_large_as_the_published_one():
    builds = seed.read_seed(seed.DATA / "builds" / "gpt-oss-20b.json")["builds"]
    size = next(build["bytes"] for build in builds if build["quantization"] == "F16")
    assert size / 2**30 == pytest.approx(12.83, abs=0.01)


def test_weights_stored_in_a_way_that_ggml_has_no_type_for_are_unpacked():
    stored = {"quantization_config": {"quant_method": "fp8"}}
    assert "expert_type" not in hub_facts(CONFIGS["gpt-oss-20b"] | stored)


def test_blocks_that_a_configuration_spells_stand_in_the_catalog_in_that_order():
    layers = summarise(header(MODELS["nvidia-nemotron-3-nano-30b-a3b-bf16"]["architecture"], "Q4_K_M")).layers
    spelt = CONFIGS["nvidia-nemotron-3-nano-30b-a3b-bf16"]["hybrid_override_pattern"]
    assert "".join("*" if x.k_elements else "M" if x.state_ssm else "E" for x in layers) == spelt
    with pytest.raises(UnknownLayout, match="kinds of blocks that are not known"):
        hub_facts({**CONFIGS["nvidia-nemotron-3-nano-30b-a3b-bf16"], "hybrid_override_pattern": "MX*E"})
