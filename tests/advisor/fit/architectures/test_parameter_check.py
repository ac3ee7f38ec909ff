"""What the published total settles of a configuration, and what it refutes."""

from __future__ import annotations

import pytest

from advisor.fit.architectures.computed_header import parameters
from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.architectures.parameter_check import check_parameters, settled
from catalog import seed

MODELS = {model["slug"]: model for model in seed.models()}


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
