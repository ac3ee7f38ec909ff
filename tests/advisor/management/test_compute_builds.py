from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest
from django.core.management import CommandError, call_command

from advisor.fit.engines.llama_cpp.tensor_sizes import from_json
from advisor.intake.computed_builds import builds_of
from catalog import schema, seed

SAMPLE = ("qwen3-8b", "gpt-oss-20b", "deepseek-v3", "gemma-3-4b-it", "lfm2-1.2b", "kimi-k2.6", "bge-m3")
MODEL, UNKNOWN = "qwen3-0.6b", "kimi-k3"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    for name in ("checkpoints.json", "published_files.json", f"models/{MODEL}.json", f"models/{UNKNOWN}.json"):
        shutil.copy(seed.DATA / name, tmp_path / name)
    return tmp_path


def read(folder: Path, slug: str = MODEL) -> list[dict]:
    return orjson.loads((folder / "builds" / f"{slug}.json").read_bytes())["builds"]


def test_the_committed_builds_are_what_the_command_computes():
    call_command("compute_builds", *SAMPLE, check=True)


@pytest.mark.parametrize("slug", SAMPLE)
def test_builds_follow_their_schema_and_their_sizes_can_be_read(slug):
    for build in read(seed.DATA, slug):
        assert schema.errors("build", build) == {}
        assert build["key"].startswith(f"{slug}:{build['quantization']}")
        if build["sizes"]:
            assert from_json(build["sizes"]).file_bytes == build["bytes"]


def test_more_bits_make_larger_files(folder):
    call_command("compute_builds", data=folder)
    size = {build["quantization"]: build["bytes"] for build in read(folder)}
    assert size["Q4_K_M"] < size["Q5_K_M"] < size["Q6_K"] < size["Q8_0"] < size["F16"]


def test_check_names_what_is_out_of_date_and_writes_nothing(folder):
    with pytest.raises(CommandError, match=MODEL):
        call_command("compute_builds", data=folder, check=True)
    assert not (folder / "builds").exists()


def test_a_model_of_unknown_layout_gets_no_builds_and_a_sentence(folder, capsys):
    call_command("compute_builds", data=folder)
    assert "1 without builds: The tensor layout of kimi_k3 models is not known." in capsys.readouterr().out
    assert [path.stem for path in (folder / "builds").iterdir()] == [MODEL]


def test_builds_read_from_files_are_kept(folder):
    call_command("compute_builds", data=folder)
    exact = read(folder)[0] | {"key": f"{MODEL}:Q4_K_M:somebody/else", "basis": "exact", "source": "read"}
    path = folder / "builds" / f"{MODEL}.json"
    path.write_bytes(orjson.dumps({"slug": MODEL, "builds": [exact]}))
    call_command("compute_builds", data=folder)
    assert read(folder)[0] == exact
    assert len(read(folder)) == 6


def test_a_model_that_does_not_exist_is_named():
    with pytest.raises(CommandError, match="no model warp-9b"):
        call_command("compute_builds", "warp-9b")


def test_models_trained_in_mxfp4_come_as_such_only():
    names = {build["quantization"] for build in read(seed.DATA, "gpt-oss-20b") if build["format"] == "gguf"}
    assert names == {"MXFP4", "F16"}


def test_a_vendors_checkpoint_takes_the_bytes_that_somebody_read_else_nearly_the_same_computed():
    model = seed.read_seed(seed.DATA / "models" / "kimi-k2.6.json")
    checkpoints = seed.read_seed(seed.DATA / "checkpoints.json")
    exact, computed = (builds_of(model, [], rows)[-1] for rows in (checkpoints, []))
    assert (exact["format"], exact["basis"], computed["basis"]) == ("safetensors", "exact", "computed")
    assert computed["bytes"] == pytest.approx(exact["bytes"], rel=0.002)
