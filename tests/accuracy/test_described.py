"""vLLM's figures from the catalog's facts against those from the configurations that the makers published."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from advisor.fit.engines.vllm.capacity import capacity
from advisor.fit.engines.vllm.catalog_config import config_of
from advisor.fit.engines.vllm.config import UnknownConfig, read_config
from advisor.fit.engines.vllm.device import Card
from advisor.fit.engines.vllm.loaded_weights import weight_bytes
from advisor.fit.engines.vllm.serve_options import Serve
from catalog import seed

CONFIGS: dict[str, dict[str, Any]] = json.loads(
    gzip.decompress((Path(__file__).parent / "data" / "configs.json.gz").read_bytes())
)["configs"]
MODELS = {model["slug"]: model for model in seed.models()}
CARD = Card("NVIDIA H100 80GB HBM3", 85_520_809_984, (9, 0))
# Published, but of layers or weights that the catalog's facts, or the rules, leave open.
OPEN = {"deepseek-v4-flash", "deepseek-v4-pro", "gemma-4-26b-a4b-it", "kimi-k3", "mimo-v2-flash", "minimax-m3"}


def figures(config: dict[str, Any], serve: Serve) -> tuple[int, ...]:
    reading = read_config(config)
    held = capacity(reading, serve, CARD, 200 << 30)
    return held.bytes_per_block, held.blocks_per_request, held.num_blocks, weight_bytes(reading, serve.tp)


@pytest.mark.parametrize("serve", [Serve(max_model_len=8192), Serve(tp=4, kv_cache_dtype="fp8", max_model_len=65536)])
def test_the_catalogs_facts_give_the_same_figures_as_the_published_configuration(serve: Serve) -> None:
    compared = sorted(CONFIGS.keys() - OPEN)
    assert len(compared) > 30
    for slug in compared:
        published = {key: value for key, value in CONFIGS[slug].items() if key != "quantization_config"}
        assert figures(config_of(MODELS[slug]["architecture"], "bf16"), serve) == figures(published, serve), slug


def test_layers_that_share_an_index_keep_none_of_their_own() -> None:
    rows = gzip.decompress((Path(__file__).parent / "data" / "vllm_configs.jsonl.gz").read_bytes()).splitlines()
    (published,) = (row["config"] for row in map(json.loads, rows) if row["model"] == "R:GLM-5.2-NVFP4")
    published = {key: value for key, value in published.items() if key != "quantization_config"}
    serve = Serve(max_model_len=8192)
    made = config_of(MODELS["glm-5.2"]["architecture"], "bf16")
    assert figures(made, serve)[:3] == figures(published, serve)[:3]
    every = {key: value for key, value in made.items() if key != "indexer_types"}
    assert figures(every, serve)[:3] != figures(published, serve)[:3]


@pytest.mark.parametrize("slug", sorted(OPEN))
def test_what_the_facts_leave_open_is_said_and_not_summed(slug: str) -> None:
    with pytest.raises(UnknownConfig):
        config_of(MODELS[slug]["architecture"], "bf16")


def test_weights_add_up_to_the_published_parameters() -> None:
    """Of models of text alone that load all they have: within 1 %, and at most 0.3 % at the median."""
    off = {}
    for slug, model in MODELS.items():
        facts = model["architecture"] or {}
        if model["task"] != "generate" or facts.get("vision") or facts.get("mtp") or model["flags"]:
            continue
        try:
            total = weight_bytes(read_config(config_of(facts, "bf16")), 1) / 2
        except UnknownConfig:
            continue
        off[slug] = abs(total / model["parameters_total"] - 1)
    assert len(off) > 100
    assert {slug: figure for slug, figure in off.items() if figure > 0.01} == {}
    assert sorted(off.values())[len(off) // 2] < 0.003
