from __future__ import annotations

from pathlib import Path

import pytest

from advisor.files.local import find_file, local_files
from tests.advisor.files.conftest import put


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
