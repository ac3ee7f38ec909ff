from __future__ import annotations

import pytest

from advisor.fit.architectures.computed_header import header, parameters
from advisor.fit.architectures.dimensions import UnknownLayout
from tests.accuracy.layouts import configuration


def test_active_parameters_count_the_routed_share_of_the_experts_and_no_input_table():
    total, active = parameters(configuration("qwen3-30b-a3b"))
    assert (total, active) == (30_532_122_624, 3_041_867_776)


def test_draft_blocks_and_towers_are_no_part_of_the_text_model():
    facts = configuration("qwen3.5-9b")
    assert facts["mtp"] == 1
    assert facts["vision"] is True
    assert parameters(facts) == parameters({**facts, "mtp": 0, "vision": False, "vision_params": 0})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"arch": "warp"}, "The tensor layout of warp models is not known."),
        ({"arch": None}, "The configuration of this model is not published."),
        ({"hidden": None}, "The configuration of this qwen3 model does not say hidden."),
        ({"tie": None}, "The configuration does not say whether input and output share one embedding (tie)."),
    ],
)
def test_what_cannot_be_listed_is_said_in_one_sentence(change, sentence):
    with pytest.raises(UnknownLayout) as raised:
        header({**configuration("qwen3-8b"), **change}, "Q4_K_M")
    assert str(raised.value) == sentence


def test_an_order_that_does_not_cover_every_block_is_no_layout() -> None:
    with pytest.raises(UnknownLayout, match="must say it of every block"):
        header({**configuration("mimo-v2-flash"), "windowed_layers": [True]}, "Q4_K_M")
