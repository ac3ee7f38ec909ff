from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from advisor.files.checksum import verify_checksums
from advisor.files.local import find_file, local_files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def put(path: Path, content: bytes = b"GGUF1234") -> dict[str, object]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"path": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_a_build_is_found_by_name_and_size_below_the_roots(root: Path) -> None:
    file = put(root / "deep" / "a.gguf")
    assert find_file([file], roots=[root]) == root / "deep" / "a.gguf"
    assert find_file([{**file, "bytes": 9}], roots=[root]) is None
    assert find_file([{**file, "path": "b.gguf"}], roots=[root]) is None
    assert find_file([], roots=[root]) is None


def test_a_link_that_leads_out_of_the_roots_is_not_found(root: Path, tmp_path: Path) -> None:
    file = put(tmp_path / "outside.gguf")
    (root / "outside.gguf").symlink_to(tmp_path / "outside.gguf")
    assert find_file([file], roots=[root]) is None
    put(root / "blobs" / "1234")
    (root / "outside.gguf").unlink()
    (root / "outside.gguf").symlink_to(root / "blobs" / "1234")
    assert find_file([file], roots=[root]) == root / "outside.gguf"


@pytest.mark.parametrize("name", ["../outside.gguf", "/etc/passwd", "a/../../outside.gguf"])
def test_a_path_in_the_catalog_leads_nowhere_but_to_its_name(root: Path, tmp_path: Path, name: str) -> None:
    file = put(tmp_path / "outside.gguf")
    assert find_file([{**file, "path": name}], roots=[root]) is None


def test_shards_are_found_only_all_together(root: Path) -> None:
    shards = [put(root / f"m-0000{n}-of-00002.gguf", b"GGUF" + bytes(n)) for n in (2, 1)]
    assert find_file(shards, roots=[root]) == root / "m-00001-of-00002.gguf"
    (root / "m-00002-of-00002.gguf").rename(root.parent / "m-00002-of-00002.gguf")
    assert find_file(shards, roots=[root]) is None


def test_the_bundled_model_is_found_without_any_root() -> None:
    assert [path.name for (name, _), path in local_files([]).items()] == ["SmolLM2-135M-Instruct.Q4_1.gguf"]


def test_bytes_are_checked_once_until_the_file_changes(root: Path, tmp_path: Path) -> None:
    file, path, cache = put(root / "a.gguf"), root / "a.gguf", tmp_path / "cache.json"
    assert verify_checksums(path, [file], cache=cache) is True
    assert verify_checksums(path, [{**file, "sha256": "0" * 64}], cache=cache) is False
    cache.write_text(cache.read_text().replace(str(file["sha256"]), "kept"))
    assert verify_checksums(path, [{**file, "sha256": "kept"}], cache=cache) is True  # not read again
    path.write_bytes(b"GGUF5678")
    assert verify_checksums(path, [file], cache=cache) is False


def test_a_file_without_a_published_sum_must_at_least_be_gguf(root: Path, tmp_path: Path) -> None:
    file = {**put(root / "a.gguf"), "sha256": None}
    assert verify_checksums(root / "a.gguf", [file], cache=tmp_path / "c") is True
    (root / "a.gguf").write_bytes(b"PK\x03\x04")
    assert verify_checksums(root / "a.gguf", [file], cache=tmp_path / "c") is False


def test_a_file_that_takes_long_to_read_is_asked_about_again(root: Path, tmp_path: Path) -> None:
    file = put(root / "a.gguf", b"GGUF" + bytes(60 << 20))
    assert verify_checksums(root / "a.gguf", [file], cache=tmp_path / "c.json", seconds=0) is None
    assert verify_checksums(root / "a.gguf", [file], cache=tmp_path / "c.json", seconds=10) is True
