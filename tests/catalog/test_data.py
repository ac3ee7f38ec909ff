"""Every file of the seed on its own, and all of them together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from advisor.fit.engines.llama_cpp.tensor_sizes import from_json
from advisor.fit.use_cases import USE_CASES
from catalog import schema, seed
from catalog.models import slug_rule
from tests.support.every_row import for_every

MODELS = {path.stem: seed.read_seed(path) for path in sorted((seed.DATA / "models").glob("*.json"))}
BUILDS = {path.stem: seed.read_seed(path) for path in sorted((seed.DATA / "builds").glob("*.json"))}
BENCHMARKS = {(b["name"], b["version"], b["metric"]): b for b in seed.benchmarks()}
LICENCES = {row["id"]: row for row in seed.licences()}


@for_every(MODELS)
def test_a_model_file_follows_the_schema(slug, model):
    assert schema.sentences("model", model) == []
    if model["architecture"]:
        assert schema.sentences("architecture", model["architecture"]) == []


@for_every(MODELS)
def test_a_model_file_is_named_by_its_slug_and_the_slug_by_the_hub(slug, model):
    slug_rule(slug)
    assert model["slug"] == slug == model["hub_id"].split("/")[1].lower()


@for_every(MODELS)
def test_a_models_figures_are_possible(slug, model):
    total, active, context = model["parameters_total"], model["parameters_active"], model["context_length"]
    assert total is None or active is None or active <= total
    limit = (model["architecture"] or {}).get("max_ctx")
    assert limit is None or context is None or context <= limit
    assert model["licence"] is None or model["licence"] in LICENCES


@for_every(MODELS)
def test_a_model_says_where_its_facts_come_from(slug, model):
    for name in ("released", "licence", "parameters_total", "parameters_active", "architecture", "native_dtype"):
        assert not model[name] or model["provenance"].get(name), name
    if model["provenance"]["sources"] == ["general knowledge"]:
        assert "unverified: general knowledge only" in model["flags"]
    if model["status"] == "hidden":
        assert any(flag.startswith("unpublished") for flag in model["flags"])


@for_every(MODELS)
def test_a_successor_is_newer_and_loses_no_ability(slug, model):
    newer = MODELS.get(model["superseded_by"])
    assert newer or model["superseded_by"] is None
    if newer:
        assert (newer["organisation"], newer["task"]) == (model["organisation"], model["task"])
        assert newer["released"] > model["released"]
        assert set(newer["input_modalities"]) >= set(model["input_modalities"])
        assert newer["tool_use"] >= model["tool_use"]
        assert newer["reasoning"] >= model["reasoning"]
        assert newer["context_length"] >= model["context_length"]


@for_every(MODELS)
def test_evidence_is_of_known_benchmarks_and_stated_once(slug, model):
    keys = Counter()
    for row in model["evidence"]:
        assert BENCHMARKS[row["benchmark"], row["version"], row["metric"]]["use_case"] == row["use_case"]
        keys[row["benchmark"], row["version"], row["metric"], row["variant"], row["source"], row["date"]] += 1
        if "%" in row["metric"]:
            assert 0 <= row["value"] <= 100
    assert max(keys.values(), default=1) == 1


def test_no_evidence_comes_from_a_source_that_forbids_it():
    sources = {row["source"].lower() + row["benchmark"].lower() for m in MODELS.values() for row in m["evidence"]}
    assert not [source for source in sources if "artificialanalysis" in source or "aa-index" in source]


def test_names_are_unique_beyond_case():
    for names in (MODELS, [model["hub_id"].lower() for model in MODELS.values()]):
        assert len(set(names)) == len(names)


def test_every_licence_and_benchmark_is_described_and_used():
    for row in seed.read_seed(seed.DATA / "licences.json"):
        assert schema.sentences("licence", row) == []
        assert row["commercial"] == "yes" or row["conditions"]
    for row in seed.read_seed(seed.DATA / "benchmarks.json"):
        assert schema.sentences("benchmark", row) == []
        assert row["use_case"] in USE_CASES
    assert {model["licence"] for model in MODELS.values()} - {None} == set(LICENCES)
    used = {(r["benchmark"], r["version"], r["metric"]) for m in MODELS.values() for r in m["evidence"]}
    assert used == set(BENCHMARKS)


@for_every(BUILDS)
def test_a_build_file_follows_the_schema_and_its_model(slug, held):
    assert held["slug"] == slug
    assert slug in MODELS
    for build in held["builds"]:
        assert schema.sentences("build", build) == []
        plain = f"{slug}:{build['quantization']}"
        assert build["key"] in (plain, f"{plain}:{build['repo']}")
        assert build["source"]
        if build["files"] and all(file["bytes"] for file in build["files"]):
            assert sum(file["bytes"] for file in build["files"]) == build["bytes"]


@for_every(BUILDS)
def test_the_sizes_of_a_build_can_be_read_by_the_fit(slug, held):
    for build in held["builds"]:
        if build["sizes"]:
            assert from_json(build["sizes"]).layers


def test_most_builds_name_their_files_and_a_published_one_has_every_checksum():
    builds = [build for entry in BUILDS.values() for build in entry["builds"] if build["format"] == "gguf"]
    assert sum(bool(build["files"]) for build in builds) >= 1338
    assert sum(any(file["sha256"] for file in build["files"]) for build in builds) >= 209
    for build in builds:
        read = bool(build["files"]) and all(file["sha256"] and file["bytes"] for file in build["files"])
        assert build["basis"] in ({"published", "exact"} if read else {"computed"}), build["key"]
        assert build["repo"] or not build["files"] or build["basis"] == "exact", build["key"]


def test_build_keys_are_unique():
    keys = [build["key"] for entry in BUILDS.values() for build in entry["builds"]]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "slug",
    [
        "llama-3.1-70b-instruct",
        "llama-4-scout-17b-16e-instruct",
        "llama-4-maverick-17b-128e-instruct",
        "mistral-large-instruct-2407",
        "mixtral-8x7b-instruct-v0.1",
        "mixtral-8x22b-instruct-v0.1",
        "deepseek-v3",
        "smollm2-135m-instruct",
    ],
)
def test_the_models_people_name_first_are_there(slug):
    assert MODELS[slug]["status"] == "active"


def test_the_data_folder_holds_nothing_else():
    known = {
        *seed.files(),
        *(seed.DATA / "schema").glob("*.json"),
        seed.DATA / "README.md",
        seed.DATA / "checkpoints.json",
        seed.DATA / "leaderboards.json",
        seed.DATA / "published_files.json",
    }
    assert {path for path in Path(seed.DATA).rglob("*") if path.is_file()} == known
