"""Every configuration of the catalog against the parameters that its checkpoint is published with."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from advisor.fit.architectures.computed_header import parameters, prediction_parameters
from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.architectures.parameter_check import check_parameters, settled
from catalog import seed

MODELS = {model["slug"]: model for model in seed.models()}
CLOSE = 0.0005
POOLER = 0.006  # encoders: a pooling layer that GGUF files leave out


def outcome(model: dict[str, Any]) -> str:
    """How the sum of the text model's tensors compares with the published total of all tensors."""
    total = model["parameters_total"]
    try:
        facts = settled(model["architecture"] or {}, total)
        text = parameters(facts)[0]
    except UnknownLayout:
        return "unknown"
    drafted = text + prediction_parameters(facts)
    tower = facts.get("vision_params") or 0
    own_tables = 2 * facts["vocab"] * facts["hidden"]  # draft blocks may keep an embedding and a head of their own
    within = {
        "equal": text,
        "with draft blocks": drafted,
        "with the stated tower": drafted + tower,
        "with draft blocks' own tables": drafted + own_tables,
    }
    for name, computed in within.items():
        if not total or abs(computed / total - 1) <= CLOSE:
            return name
    if drafted <= total * 1.001 and any(flag.startswith("mismatch explained") for flag in model["flags"]):
        return "explained in the catalog"
    if drafted < total and ("image" in model["input_modalities"] or facts.get("vision")):
        return "with a tower of unstated size"
    if facts["arch"] == "bert" and 0 < 1 - text / total < POOLER:
        return "with a pooler"
    return "beyond"


def test_what_the_catalog_states_adds_up_to_what_is_published():
    outcomes = {slug: outcome(model) for slug, model in MODELS.items()}
    counts = Counter(outcomes.values())
    assert counts["equal"] + counts["with draft blocks"] + counts["with the stated tower"] >= 260
    assert counts["unknown"] <= 82
    beyond = {slug for slug, result in outcomes.items() if result == "beyond"}
    assert beyond <= {"mimo-7b-rl"}  # 2.7 % that its configuration does not speak of


def test_a_missing_tie_is_settled_by_the_largest_model_that_the_total_allows():
    model = MODELS["qwen3-4b"]
    facts = {**model["architecture"], "tie": None}
    tied = parameters({**facts, "tie": True})[0]
    untied = parameters({**facts, "tie": False})[0]
    assert settled(facts, tied)["tie"] is True
    assert settled(facts, untied)["tie"] is False
    with pytest.raises(UnknownLayout, match="are published"):
        settled(facts, tied // 2)


def test_dense_blocks_before_experts_are_counted_by_the_total():
    facts = {**MODELS["ernie-4.5-21b-a3b-thinking"]["architecture"], "first_dense": None}
    assert settled(facts, MODELS["ernie-4.5-21b-a3b-thinking"]["parameters_total"])["first_dense"] == 1


def test_a_layout_that_does_not_add_up_is_refused():
    model = MODELS["qwen3-8b"]
    facts, total = model["architecture"], model["parameters_total"]
    check_parameters(facts, total, tower=False, explained=False)
    with pytest.raises(UnknownLayout, match="are published"):
        settled({**facts, "n_layers": facts["n_layers"] + 1}, total)
    with pytest.raises(UnknownLayout, match="parameters only"):
        check_parameters({**facts, "n_layers": facts["n_layers"] - 2}, total, tower=False, explained=False)
    check_parameters({**facts, "n_layers": facts["n_layers"] - 2}, total, tower=True, explained=False)
