"""Made-up models and scores, the input of a strength ranking."""

from __future__ import annotations

from dataclasses import replace

from advisor.fit.quality.strength import ModelFacts
from advisor.fit.spec import Evidence


def model(
    slug: str, family: str = "", billions: float | None = 8, released: str | None = "2026-01-01", **more: str
) -> ModelFacts:
    size = None if billions is None else int(billions * 1e9)
    return ModelFacts(slug, slug, f"org/{slug}", family or slug, "org", released, size, size, **more)  # type: ignore[arg-type]


def score(
    slug: str, value: float, benchmark: str = "Exam", use_case: str = "math", **more: object
) -> tuple[str, Evidence]:
    row = Evidence(benchmark, "1", "%", value, use_case, "2026-02-01", "somewhere", True)
    return slug, replace(row, **more)  # type: ignore[arg-type]


def field(count: int = 12, use_case: str = "math") -> tuple[list[ModelFacts], list[tuple[str, Evidence]]]:
    """Models m00 (weakest) to m11 with two agreeing benchmarks."""
    models = [model(f"m{i:02d}") for i in range(count)]
    rows = [score(m.slug, 20 + 5 * i, use_case=use_case) for i, m in enumerate(models)]
    rows += [score(m.slug, 10 + 6 * i, "Quiz", use_case) for i, m in enumerate(models)]
    return models, rows
