"""Tensor tables from configurations against llama.cpp and against published files."""

from __future__ import annotations

import pytest

from advisor.fit.architectures.computed_header import header
from advisor.fit.architectures.families import FAMILIES
from advisor.fit.engines.llama_cpp.ggml_types import tensor_bytes
from advisor.intake.computed_builds import agreed
from catalog import seed
from tests.accuracy.layouts import LAYOUTS, Table, configuration, expected, table
from tests.support.every_row import for_every


def size(table: Table) -> int:
    return sum(tensor_bytes(shape, type_name) for shape, type_name in table.values())


@for_every(LAYOUTS)
def test_a_configuration_gives_the_tensors_that_llama_cpp_asks_for(name, layout):
    for quantization in layout["quantizations"]:
        found, wanted = table(header(layout["facts"], quantization)), expected(layout, quantization)
        assert sorted(found.items() ^ wanted.items()) == [], quantization


@for_every(LAYOUTS)
def test_metadata_carries_what_a_converted_file_says(name, layout):
    kv = header(layout["facts"], "F16").kv
    assert {key: kv.get(key) for key in layout["metadata"]} == layout["metadata"]


def test_every_family_is_held_to_a_layout():
    held = {layout["metadata"]["general.architecture"] for layout in LAYOUTS.values()}
    assert {family.gguf for family in FAMILIES.values()} == held


@for_every({name: layout for name, layout in LAYOUTS.items() if layout["catalog"]})
def test_catalog_configurations_give_the_same_weights(name, layout):
    facts = agreed(seed.read_seed(seed.DATA / "models" / f"{layout['catalog']}.json"))
    for quantization in layout["quantizations"]:
        wanted = size(expected(layout, quantization))
        assert size(table(header(facts, quantization))) == pytest.approx(wanted, rel=0.001), quantization


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
