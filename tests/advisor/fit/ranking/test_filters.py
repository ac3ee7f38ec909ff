from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.filters import MEETS, missed
from advisor.fit.spec import REASONS, Catalog, ModelSpec, Workload
from tests.support.builds import build, model


def first_missed(one: ModelSpec, workload: Workload) -> str | None:
    index = Index.of(Catalog("test", (one,)))
    (code,) = index.rows().barred(missed(index.traits, workload))
    return None if code == MEETS else REASONS[code]


@pytest.mark.parametrize(
    ("changes", "asked", "reason"),
    [
        ({"licence": "cc-by-nc-4.0", "commercial": "no"}, {"licence": "commercial"}, "licence"),
        ({}, {"licence": ("mit",)}, "licence"),
        ({"commercial": None}, {"licence": "commercial"}, "licence"),
        ({}, {"input_modalities": ("text", "image")}, "modality"),
        ({}, {"use_case": "vision"}, "modality"),
        ({"languages": ("en",)}, {"languages": ("de",)}, "language"),
        ({}, {"tool_use": True}, "tool_use"),
        ({"reasoning": True}, {"reasoning": False}, "reasoning"),
        ({}, {"context": 50_000}, "context"),
        ({"task": "rerank"}, {}, "embedding"),
        ({"task": "embedding"}, {}, "embedding"),
        ({}, {"use_case": "embedding"}, "embedding"),
        ({"builds": ()}, {}, "unknown_layout"),
        ({"commercial": "conditions"}, {"licence": "commercial"}, None),
        ({"licence": "mit"}, {"licence": ("mit", "apache-2.0")}, None),
        ({"languages": ("de", "en")}, {"languages": ("de",)}, None),
        ({"tool_use": True}, {"tool_use": True}, None),
    ],
)
def test_each_requirement_bars_what_misses_it_and_nothing_else(changes, asked, reason):
    assert first_missed(model("qwen3-8b", **changes), Workload(**asked)) == reason


def test_a_build_for_another_engine_is_not_of_this_one():
    foreign = replace(build("qwen3-8b"), format="safetensors")
    assert first_missed(model("qwen3-8b", builds=(foreign,)), Workload()) == "engine"
