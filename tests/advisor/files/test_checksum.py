from __future__ import annotations

import os
from pathlib import Path

from advisor.files.checksum import verify_checksums
from tests.advisor.files.conftest import put


def test_bytes_are_checked_once_until_the_file_changes(root: Path, tmp_path: Path) -> None:
    file, path, cache = put(root / "a.gguf"), root / "a.gguf", tmp_path / "cache.json"
    assert verify_checksums(path, [file], cache=cache) is True
    assert verify_checksums(path, [{**file, "sha256": "0" * 64}], cache=cache) is False
    cache.write_text(cache.read_text().replace(str(file["sha256"]), "kept"))
    assert verify_checksums(path, [{**file, "sha256": "kept"}], cache=cache) is True  # not read again
    path.write_bytes(b"GGUF5678")
    assert verify_checksums(path, [file], cache=cache) is False


def test_other_bytes_of_the_same_size_and_time_are_read_again(root: Path, tmp_path: Path) -> None:
    file, path, cache = put(root / "a.gguf"), root / "a.gguf", tmp_path / "cache.json"
    before = path.stat()
    assert verify_checksums(path, [file], cache=cache) is True
    path.write_bytes(b"GGUF5678")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert verify_checksums(path, [file], cache=cache) is False
    put(root / "b.gguf", b"GGUF9876")
    os.utime(root / "b.gguf", ns=(before.st_atime_ns, before.st_mtime_ns))
    (root / "b.gguf").replace(path)
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
