"""Who is stronger than whom by the seed's evidence, as every reader of leaderboards would say."""

from __future__ import annotations

import time

import pytest

from advisor.fit.quality.strength import strengths
from advisor.fit.spec import Strength
from advisor.fit.use_cases import USE_CASES
from bench.quality import catalog

Answer = dict[str, dict[str, Strength]]
GENERAL_USES = ("chat", "coding", "math", "reasoning", "tool_use")


@pytest.fixture(scope="module")
def seeded() -> Answer:
    return strengths(*catalog())


def first(answer: Answer, use_case: str, count: int) -> list[str]:
    rated = [(s[use_case].score, slug) for slug, s in answer.items() if use_case in s]
    return [slug for _, slug in sorted(rated, reverse=True)[:count]]


def test_every_score_lies_in_its_interval_on_the_scale(seeded: Answer) -> None:
    for by in seeded.values():
        for use_case, s in by.items():
            assert use_case in USE_CASES
            assert 0 <= s.low <= s.score <= s.high <= 100


@pytest.mark.parametrize("use_case", ["general", *GENERAL_USES])
def test_the_leaders_are_large_open_models_of_the_last_year(seeded: Answer, use_case: str) -> None:
    facts = {m.slug: m for m in catalog()[0]}
    leaders = first(seeded, use_case, 15)
    assert all(facts[slug].released >= "2025-09" for slug in leaders)  # type: ignore[operator]
    assert all(seeded[slug][use_case].basis != "none" for slug in leaders)
    assert {"glm-5.2", "deepseek-v4-pro", "kimi-k2.6"} <= set(leaders)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("gemma-4-31b-it", "gemma-3-27b-it"),
        ("gemma-3-27b-it", "gemma-2-27b-it"),
        ("qwen3.6-27b", "qwen3-32b"),
        ("qwen3-32b", "qwen2.5-32b-instruct"),
        ("llama-3.3-70b-instruct", "llama-3.1-8b-instruct"),
        ("gpt-oss-120b", "gpt-oss-20b"),
        ("glm-5.2", "glm-4.5-air"),
        ("gpt-oss-20b", "mistral-7b-instruct-v0.3"),
    ],
)
def test_what_every_reader_of_leaderboards_knows(seeded: Answer, better: str, worse: str) -> None:
    for use_case in ("general", "coding", "math"):
        assert seeded[better][use_case].score > seeded[worse][use_case].score


def test_the_whole_catalog_is_rated_within_a_second() -> None:
    models, rows = catalog()
    start = time.process_time()
    strengths(models, rows)
    assert time.process_time() - start < 1.0
