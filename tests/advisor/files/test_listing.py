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
    time.sleep(0.1)
    for moment in (time.time() - 60, time.time() + 3600):  # nobody's clock, and what somebody set, decide nothing
        os.utime(root, (moment, moment))
        time.sleep(0.1)
        listing(root)
    monkeypatch.setattr(listing_module, "walk", lambda root: pytest.fail("walked again"))
    assert names(root) == ["a.gguf"]


def in_its_own(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real user of these tests may be root, who reads everything: ask the system as it would answer others."""
    monkeypatch.setattr(os, "access", lambda path, mode: bool(os.stat(path).st_mode & 0o400))


def test_a_permission_that_is_put_right_is_seen_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_its_own(root, monkeypatch)
    put(root / "a.gguf")
    (root / "a.gguf").chmod(0)
    time.sleep(0.1)
    assert names(root) == []
    assert "Permission denied" in listing(root).problems[0]
    (root / "a.gguf").chmod(0o600)
    assert names(root) == ["a.gguf"]


def test_what_is_put_right_behind_a_link_is_seen_after_a_while(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a.gguf").symlink_to(root / "deep" / ".." / "real")
    put(root / "other" / "x.gguf")
    time.sleep(0.1)
    assert names(root) == ["x.gguf"]
    monkeypatch.setattr(listing_module, "PROBLEMS_FOR", 0.0)
    assert listing(root) is not listing(root)


def test_folders_count_and_problems_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(100):
        (root / f"{number:03}.gguf").symlink_to(root / "nothing")
    found = listing(root)
    assert len(found.problems) == 51
    assert found.problems[-1].startswith("50 more entries of ")
    for number in range(60):
        (root / f"folder{number}").mkdir()
    monkeypatch.setattr(listing_module, "MOST_ENTRIES", 120)
    found = listing_module.walk(root)
    assert found.entries == 121
    assert len(found.states) <= 122
