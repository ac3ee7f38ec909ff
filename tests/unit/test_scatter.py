from __future__ import annotations

from typing import Any

from advisor.scatter import HEIGHT, WIDTH, scatter


def result(rank: int, speed: float, score: float, *, pareto: bool = False) -> dict[str, Any]:
    return {
        "rank": rank,
        "pareto": pareto,
        "model": {"name": f"m{rank}"},
        "pace": {"mid": speed},
        "quality": {"score": score},
    }


def test_faster_is_further_right_and_better_is_higher() -> None:
    drawn = scatter([result(1, 10, 80, pareto=True), result(2, 100, 60, pareto=True), result(3, 20, 50)])
    assert drawn
    slow, fast, poor = drawn["points"]
    assert slow["x"] < poor["x"] < fast["x"]
    assert slow["y"] < fast["y"] < poor["y"]
    assert all(0 < p["x"] < WIDTH and 0 < p["y"] < HEIGHT for p in drawn["points"])
    assert drawn["front"] == f"{slow['x']},{slow['y']} {fast['x']},{fast['y']}"


def test_equal_figures_and_a_single_answer_are_no_error() -> None:
    assert scatter([result(1, 10, 80)]) is None
    assert scatter([result(1, 10, 80), result(2, 10, 80)])
    assert scatter([result(1, 0, 80), result(2, 10, 80)]) is None
