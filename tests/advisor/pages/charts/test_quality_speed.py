from __future__ import annotations

import math
from typing import Any

from advisor.pages.charts.quality_speed import APART, HEIGHT, WIDTH, quality_speed_chart


def result(rank: int, speed: float, score: float, *, pareto: bool = False) -> dict[str, Any]:
    return {
        "rank": rank,
        "pareto": pareto,
        "model": {"name": f"m{rank}"},
        "pace": {"mid": speed},
        "quality": {"score": score},
    }


def test_faster_is_further_right_and_better_is_higher() -> None:
    drawn = quality_speed_chart([result(1, 10, 80, pareto=True), result(2, 100, 60, pareto=True), result(3, 20, 50)])
    assert drawn
    slow, fast, poor = drawn["points"]
    assert slow["x"] < poor["x"] < fast["x"]
    assert slow["y"] < fast["y"] < poor["y"]
    assert all(0 < p["x"] < WIDTH and 0 < p["y"] < HEIGHT for p in drawn["points"])
    assert drawn["front"] == f"{slow['x']},{slow['y']} {fast['x']},{fast['y']}"


def test_equal_figures_and_a_single_answer_are_no_error() -> None:
    assert quality_speed_chart([result(1, 10, 80)]) is None
    assert quality_speed_chart([result(1, 10, 80), result(2, 10, 80)])
    assert quality_speed_chart([result(1, 0, 80), result(2, 10, 80)]) is None


def test_discs_do_not_cover_each_other_and_those_of_the_front_stay_on_their_points() -> None:
    crowd = [result(rank, 50 + rank / 10, 60 + rank / 10) for rank in range(2, 11)]
    drawn = quality_speed_chart([result(1, 50, 60, pareto=True), *crowd, result(11, 100, 90, pareto=True)])
    assert drawn
    places = [(p["disc_x"], p["disc_y"]) for p in drawn["points"]]
    assert all(math.dist(a, b) >= APART - 0.2 for i, a in enumerate(places) for b in places[:i])
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in places)
    assert [p["moved"] for p in drawn["points"] if p["front"]] == [False, False]
    assert sum(p["moved"] for p in drawn["points"]) >= 8
