"""Tensor tables from configurations against llama.cpp and against published files.

layouts/*.json: 79 models, each family at least once; names and shapes as llama.cpp's loader asks for them, types as
`llama-quantize --dry-run` chose: 43 by build b11434, which also asked for names and shapes; the others by b11549, whose
loader takes them as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from advisor.fit.architectures.computed_header import header, parameters
from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.architectures.families import FAMILIES
from advisor.fit.build import Header
from advisor.fit.engines.llama_cpp.ggml_types import tensor_bytes
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from advisor.intake.computed_builds import agreed
from catalog import seed

LAYOUTS = {path.stem: orjson.loads(path.read_bytes()) for path in sorted(Path(__file__).parent.glob("layouts/*.json"))}
Table = dict[str, tuple[tuple[int, ...], str]]


def blocks(ranges: str) -> list[int]:
    bounds = (part.split("-") for part in ranges.split())
    return [i for bound in bounds for i in range(int(bound[0]), int(bound[-1]) + 1)]


def expected(layout: dict[str, Any], quantization: str) -> Table:
    column = layout["quantizations"].index(quantization)
    table: Table = {}
    for name, shape, types, where in layout["tensors"]:
        for full in [f"blk.{i}.{name}" for i in blocks(where)] or [name]:
            table[full] = (tuple(shape), types.split()[column])
    return table


def table(header: Header) -> Table:
    return {tensor.name: (tensor.shape, tensor.type) for tensor in header.tensors}


def size(table: Table) -> int:
    return sum(tensor_bytes(shape, type_name) for shape, type_name in table.values())


def configuration(slug: str) -> dict[str, Any]:
    return seed.read(seed.DATA / "models" / f"{slug}.json")["architecture"]


@pytest.mark.parametrize(("name", "quantization"), [(n, q) for n, x in LAYOUTS.items() for q in x["quantizations"]])
def test_a_configuration_gives_the_tensors_that_llama_cpp_asks_for(name, quantization):
    found = table(header(LAYOUTS[name]["facts"], quantization))
    assert found == expected(LAYOUTS[name], quantization)


@pytest.mark.parametrize("name", LAYOUTS)
def test_metadata_carries_what_a_converted_file_says(name):
    kv = header(LAYOUTS[name]["facts"], "F16").kv
    assert {key: kv.get(key) for key in LAYOUTS[name]["metadata"]} == LAYOUTS[name]["metadata"]


def test_every_family_is_held_to_a_layout():
    held = {layout["metadata"]["general.architecture"] for layout in LAYOUTS.values()}
    assert {family.gguf for family in FAMILIES.values()} == held


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if layout["catalog"]])
def test_catalog_configurations_give_the_same_weights(name):
    facts = agreed(seed.read(seed.DATA / "models" / f"{LAYOUTS[name]['catalog']}.json"))
    for quantization in LAYOUTS[name]["quantizations"]:
        assert size(table(header(facts, quantization))) == pytest.approx(
            size(expected(LAYOUTS[name], quantization)), rel=0.001
        )


@pytest.mark.parametrize(
    ("slug", "quantization", "gib"),
    [  # as llama-bench printed it: lhl/strix-halo-testing, kyuz0/amd-strix-halo-toolboxes, llama.cpp dgx-spark.md
        ("glm-4.7-flash", "BF16", 55.79),
        ("ministral-3-14b-instruct-2512", "BF16", 25.16),
        ("qwen3.6-35b-a3b", "BF16", 64.60),
        ("gemma-4-26b-a4b-it", "BF16", 47.02),
        ("gemma-4-31b-it", "BF16", 57.18),
        ("qwen3-32b", "Q8_0", 32.42),
        ("qwen3-coder-30b-a3b-instruct", "Q8_0", 30.25),
        ("gpt-oss-120b", "MXFP4", 59.02),
        ("gpt-oss-20b", "MXFP4", 11.27),
        ("llama-3.3-70b-instruct", "Q4_K_M", 39.59),
    ],
)
def test_published_files_are_as_large_as_their_computed_tensors(slug, quantization, gib):
    computed = size(table(header(configuration(slug), quantization)))
    assert computed / 2**30 == pytest.approx(gib, abs=0.006)


def test_active_parameters_count_the_routed_share_of_the_experts_and_no_input_table():
    total, active = parameters(configuration("qwen3-30b-a3b"))
    assert (total, active) == (30_532_122_624, 3_041_867_776)


def test_draft_blocks_and_towers_are_no_part_of_the_text_model():
    facts = configuration("qwen3.5-9b")
    assert facts["mtp"] == 1
    assert facts["vision"] is True
    assert parameters(facts) == parameters({**facts, "mtp": 0, "vision": False, "vision_params": 0})


def test_an_indexer_keeps_one_key_of_its_own_beside_the_latent_one():
    cached = {slug: summarise(header(configuration(slug), "Q4_K_M")).layers[0] for slug in ("deepseek-v3", "glm-5")}
    assert {slug: (layer.k_elements, layer.v_elements) for slug, layer in cached.items()} == {
        "deepseek-v3": (512 + 64, 0),
        "glm-5": (512 + 64 + 128, 0),
    }


def test_recurrent_blocks_of_kimi_linear_keep_a_state_and_no_cache():
    layers = summarise(header(configuration("kimi-linear-48b-a3b-instruct"), "Q4_K_M")).layers
    attending = [i for i, layer in enumerate(layers) if layer.k_elements]
    assert attending == [3, 7, 11, 15, 19, 23, 26]
    assert all(bool(layer.state_ssm) != bool(layer.k_elements) for layer in layers)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"arch": "warp"}, "The tensor layout of warp models is not known."),
        ({"arch": None}, "The configuration of this model is not published."),
        ({"hidden": None}, "The configuration of this qwen3 model does not say hidden."),
        ({"tie": None}, "The configuration does not say whether input and output share one embedding (tie)."),
    ],
)
def test_what_cannot_be_listed_is_said_in_one_sentence(change, sentence):
    with pytest.raises(UnknownLayout) as raised:
        header({**configuration("qwen3-8b"), **change}, "Q4_K_M")
    assert str(raised.value) == sentence
