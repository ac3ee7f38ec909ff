"""The shortening of rows of equal blocks."""

from __future__ import annotations

import pytest

from advisor.fit.engines.llama_cpp.graph.buffers import shortened


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        ("aaaaaaaa", [0, 1, 7]),
        ("abcabcabcabcabc", [0, 1, 2, 3, 4, 5, 12, 13, 14]),
        ("aab", [0, 1, 2]),
        ("aaaab", [0, 1, 3, 4]),
        ("", []),
    ],
)
def test_of_a_row_of_equal_periods_the_first_two_and_the_last_are_traced(row: str, kept: list[int]) -> None:
    assert shortened(list(row)) == kept  # type: ignore[arg-type]
