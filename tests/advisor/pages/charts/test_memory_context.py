from __future__ import annotations

from itertools import pairwise

from advisor.fit.engines.llama_cpp.memory_curve import Need
from advisor.fit.units import GIB
from advisor.pages.charts.memory_context import HEIGHT, LINE, RIGHT, WIDTH, Headroom, apart, memory_context_chart


def line(*sizes: float) -> list[Need]:
    return [Need(4096 << i, int(size * GIB), "gpu") for i, size in enumerate(sizes)]


def test_more_context_is_further_right_and_more_memory_higher() -> None:
    drawn = memory_context_chart(
        {"Q8_0": line(20, 22, 26), "Q4_K_M": line(10, 12, 16)}, [Headroom("GPU", "one GPU", 24 * GIB)]
    )
    assert drawn
    high, low = ([tuple(map(float, p.split(","))) for p in one["points"].split()] for one in drawn["lines"])
    assert [x for x, _ in high] == sorted(x for x, _ in high)
    assert all(a[1] < b[1] for a, b in zip(high, low, strict=True))
    assert high[2][1] < drawn["rooms"][0]["y"] < high[1][1]  # 26 > 24 > 22
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in high + low)


def test_ticks_are_round_and_few_from_bytes_to_tebibytes() -> None:
    for size in (0.02, 0.7, 9, 180, 4000):
        drawn = memory_context_chart({"F16": line(size / 2, size)}, [])
        assert drawn
        assert 3 <= len(drawn["sizes"]) <= 8
        assert drawn["sizes"][0]["value"] == "0"


def test_a_capacity_far_above_is_said_and_not_drawn() -> None:
    drawn = memory_context_chart({"F16": line(1, 2)}, [Headroom("1", "one", 3 * GIB), Headroom("8", "all", 600 * GIB)])
    assert drawn
    assert [room["label"] for room in drawn["rooms"]] == ["one: 3.0 GiB"]
    assert drawn["beyond"] == ["all: 600 GiB"]


def test_lines_and_capacities_are_named_in_the_margin_apart_from_each_other() -> None:
    builds = {name: line(size, size) for name, size in {"Q8_0": 11, "Q6_K": 10.2, "Q4_K_M": 9.8}.items()}
    drawn = memory_context_chart(builds, [Headroom("GPU", "one GPU", 10 * GIB)])
    assert drawn
    heights = sorted(named["name_y"] for named in [*drawn["lines"], *drawn["rooms"]])
    assert len(heights) == 4
    assert all(below - above > LINE - 0.2 for above, below in pairwise(heights))
    assert drawn["names"] > drawn["right"] == WIDTH - RIGHT


def test_one_context_and_no_line_are_no_error() -> None:
    assert memory_context_chart({}, []) is None
    assert memory_context_chart({"F16": line(1)}, [])


def test_labels_do_not_touch_and_stay_above_the_axis() -> None:
    moved = apart([259, 258, 257, 120])
    assert all(abs(a - b) >= LINE for i, a in enumerate(moved) for b in moved[:i])
    assert max(moved) <= HEIGHT - 50
    assert apart([10.0, 100.0]) == [10.0, 100.0]
