from __future__ import annotations

from pathlib import Path

import pytest

from config.environment import flag, number, secret


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("Yes", True), (" on ", True), ("0", False), ("FALSE", False), ("no", False)]
)
def test_a_truth_is_read_as_people_write_it(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv("X_FLAG", text)
    assert flag("X_FLAG", not value) is value


@pytest.mark.parametrize("default", [True, False])
def test_what_is_missing_or_empty_takes_its_default(monkeypatch: pytest.MonkeyPatch, default: bool) -> None:
    assert flag("X_FLAG", default) is default
    monkeypatch.setenv("X_FLAG", "")
    assert flag("X_FLAG", default) is default
    assert number("X_NUMBER", 7, 1, 9) == 7
    assert secret("X_SECRET") == ""


@pytest.mark.parametrize("text", ["0", "10", "-1", "1.5", "many", ""])
def test_a_number_outside_its_bounds_ends_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("X_NUMBER", text)
    with pytest.raises(SystemExit, match=rf"Settings: X_NUMBER must be a whole number from 1 to 9, not '{text}'\."):
        number("X_NUMBER", 7, 1, 9)


def test_a_secret_may_lie_in_a_file_and_is_said_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv("X_SECRET_FILE", str(tmp_path / "secret"))
    assert secret("X_SECRET") == "s3cret"
    monkeypatch.setenv("X_SECRET", "another")
    with pytest.raises(SystemExit, match="X_SECRET and X_SECRET_FILE are both set"):
        secret("X_SECRET")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["no file", "no text"])
def test_a_secret_that_cannot_be_read_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    if content:
        (tmp_path / "secret").write_bytes(content)
    monkeypatch.setenv("X_SECRET_FILE", str(tmp_path / "secret"))
    with pytest.raises(SystemExit, match=r"cannot be read \((No such file or directory|it is no text)\)\.$"):
        secret("X_SECRET")
