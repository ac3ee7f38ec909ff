from __future__ import annotations

from pathlib import Path

import pytest

from advisor.fit.spec import Workload
from tests.plugin.ids import LONGEST, words

SAID = {
    "workload context 0, limit 1": {"workload": {"context": 0}, "limit": 1},
    "a, b": {"b", "a"},
    "nothing": {},
    "no text": "",
    "3 blanks": "   ",
    "a U+0000 U+001B [2J": "a\0\x1b[2J",
    "two U+000A lines": "two\nlines",
    "ValueError too long": ValueError("too long"),
    "README.md": Path("/anywhere/README.md"),
    "context 4096": Workload(context=4096),
    "any Workload": Workload(),
    "words": words,
}


@pytest.mark.parametrize("text", SAID)
def test_a_parameter_is_called_by_what_it_holds(text: str) -> None:
    assert words(SAID[text]) == text


def test_a_long_one_is_cut_between_two_words_and_says_how_long_it_is() -> None:
    cut = words({"model": "qwen3-8b", "files": ["a.gguf"] * 20})
    assert cut.endswith("a.gguf, (of 180)")
    assert len(cut) < LONGEST + 12
    assert words("x" * 100) == f"{'x' * 30} (of 100)"
