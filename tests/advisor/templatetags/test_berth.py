from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from advisor.templatetags.berth import count, dollars, gib, gigabytes, memory_bar, seconds, speed, tokens

GIB = 1 << 30
SAID: dict[Callable[..., str], dict[str, Any]] = {
    gib: {
        "unknown": None,
        "0 MiB": 0,
        "512 MiB": GIB // 2,
        "1.0 GiB": GIB,
        "99.9 GiB": 99.9 * GIB,
        "1,024 GiB": 1 << 40,
    },
    dollars: {"$0.25": 0.25, "$12.40": 12.4, "$1,234.50": 1234.5, "$0.004": 0.004},
    gigabytes: {"75 GB": 75_000_000_000, "0 GB": 1},
    count: {"unknown": None, "512": 512, "135M": 134_515_008, "30.5B": 30_532_122_624, "1T": 10**12},
    tokens: {"unknown": None, "32k": 32768, "1,000": 1000, "512": 512, "1,025": 1025},
    speed: {"unknown": None, "0.3": 0.31, "9.9": 9.94, "10": 10.2, "1,200": 1200.4},
    seconds: {"unknown": None, "250 ms": 0.25, "1.0 s": 1, "89.9 s": 89.9, "2 min": 90, "2 h": 5400},
}


@pytest.mark.parametrize("said", SAID)
def test_a_figure_reads_as_people_write_it(said: Callable[..., str]) -> None:
    assert {said(value): value for value in SAID[said].values()} == SAID[said]


def test_the_segments_of_a_bar_follow_each_other_and_fill_what_is_taken() -> None:
    memory = {"weights": 6 * GIB, "kv": 2 * GIB, "compute": 0, "overhead": GIB}
    bar = memory_bar("GPU", memory, 24 * GIB, 20 * GIB)
    assert [(part["part"], part["x"], part["width"]) for part in bar["segments"]] == [
        ("weights", "0.0", "250.0"),
        ("kv", "250.0", "83.3"),
        ("overhead", "333.3", "41.7"),
    ]
    assert (bar["taken"], bar["taken_x"], bar["taken_width"]) == (4 * GIB, "833.3", "166.7")
    assert bar["percent"] == 38


def test_a_bar_of_more_than_there_is_is_drawn_to_its_own_scale() -> None:
    bar = memory_bar("GPU", {"weights": 48 * GIB}, 24 * GIB, None)
    assert [part["width"] for part in bar["segments"]] == ["1000.0"]
    assert (bar["taken"], bar["percent"]) == (0, 200)
    assert memory_bar("RAM", {"weights": GIB}, None, None)["percent"] is None
