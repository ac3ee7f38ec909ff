"""A model folder as people leave it: odd entries cost themselves and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from advisor.files import listing as listing_module
from advisor.files.listing import listing
from tests.advisor.files.conftest import put


def names(root: Path) -> list[str]:
    return [path.name for path in listing(root).files.values()]


def link_to_itself(root: Path) -> None:
    (root / "loop.gguf").symlink_to(root / "loop.gguf")


def folders_in_a_ring(root: Path) -> None:
    (root / "ring").mkdir()
    (root / "ring" / "again").symlink_to(root)


def link_to_nothing(root: Path) -> None:
    (root / "gone.gguf").symlink_to(root / "nothing")


def pipe(root: Path) -> None:
    os.mkfifo(root / "pipe.gguf")


def folder_named_as_a_file(root: Path) -> None:
    (root / "folder.gguf").mkdir()


def name_of_other_bytes(root: Path) -> None:
    (Path(os.fsdecode(os.fsencode(root) + b"/\xff\xfe.gguf"))).write_bytes(b"GGUF")


def name_over_two_lines(root: Path) -> None:
    (root / "two\nlines.gguf").write_bytes(b"GGUF")


def deep(root: Path) -> None:
    (root / "/".join(["d"] * 400)).mkdir(parents=True)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (link_to_itself, "loop.gguf cannot be read"),
        (folders_in_a_ring, ""),
        (link_to_nothing, "gone.gguf cannot be read (No such file or directory)."),
        (pipe, "pipe.gguf is left out: it is not a file."),
        (folder_named_as_a_file, ""),
        (name_of_other_bytes, "\\udcff\\udcfe.gguf is left out: its name cannot be written."),
        (name_over_two_lines, "lines.gguf is left out: its name cannot be written."),
        (deep, ""),
    ],
)
def test_an_odd_entry_costs_itself_and_is_named(root: Path, spoil: object, said: str) -> None:
    put(root / "good.gguf")
    spoil(root)  # type: ignore[operator]
    assert names(root) == ["good.gguf"]
    assert [said in problem for problem in listing(root).problems] == [True] * bool(said)


def test_a_root_that_is_missing_or_a_link_to_itself_is_empty(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert listing(tmp_path / "nothing").problems == []
    assert listing(tmp_path / "loop").files == {}


def test_what_comes_grows_and_goes_is_seen_at_once(root: Path) -> None:
    assert names(root) == []
    put(root / "a.gguf")
    assert names(root) == ["a.gguf"]
    with (root / "a.gguf").open("ab") as file:
        file.write(b"more")
    assert list(listing(root).files) == [("a.gguf", 12)]
    put(root / "deep" / "b.gguf")
    assert names(root) == ["a.gguf", "b.gguf"]
    (root / "a.gguf").unlink()
    assert names(root) == ["b.gguf"]


def test_a_folder_is_not_walked_again_while_nothing_changes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3000):
        (root / f"{number}.txt").touch()
    put(root / "a.gguf")
    past = time.time() - 60
    os.utime(root, (past, past))
    listing(root)
    monkeypatch.setattr(listing_module, "walk", lambda root: pytest.fail("walked again"))
    assert names(root) == ["a.gguf"]
