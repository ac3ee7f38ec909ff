"""CSV that runs in nobody's spreadsheet, and comes back as it was."""

from __future__ import annotations

import pytest

from catalog.formats import escaped, unescaped
from tests.support.formulas import HOSTILE


@pytest.mark.parametrize("cell", [*HOSTILE, "-1.5", "+3e8", "plain", "it's", "'quoted'", "-", "", None, 3])
def test_escaping_is_undone_exactly(cell):
    assert unescaped(escaped(cell)) == cell


@pytest.mark.parametrize("cell", ["-1.5", "12", "1e-5", "qwen3-8b", "a=b"])
def test_numbers_and_plain_words_stay(cell):
    assert escaped(cell) == cell
