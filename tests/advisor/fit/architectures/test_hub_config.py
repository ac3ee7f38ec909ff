from __future__ import annotations

import pytest

from advisor.fit.architectures.computed_header import header
from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.architectures.hub_config import hub_facts

SMALL = {
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "vocab_size": 100,
    "max_position_embeddings": 512,
}


def test_what_a_configuration_leaves_unsaid_stays_unsaid():
    read = hub_facts(SMALL)
    assert read["tie"] is None
    assert read["n_kv_heads"] == 4
    assert read["head_dim"] == 16
    assert "n_experts" not in read


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": None}, "model_type"),
        ({"hidden_size": None}, "hidden_size"),
        ({"vocab_size": "many"}, "vocab_size must be a whole number"),
        ({"num_hidden_layers": -1}, "num_hidden_layers must be a whole number"),
        ({"num_hidden_layers": 1 << 30}, "num_hidden_layers must not be above 4096"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings must be true or false"),
        ({"num_local_experts": 8}, "how many experts a token uses"),
        ({"model_type": "nemotron_h"}, "of which kind each block is"),
        ({"num_attention_heads": True}, "num_attention_heads must be a whole number"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(change, words):
    with pytest.raises(UnknownLayout, match=words):
        hub_facts({**SMALL, **change})


def test_an_unknown_model_type_keeps_its_name_and_has_no_layout():
    read = hub_facts({**SMALL, "model_type": "brand_new"})
    assert read["arch"] == "brand_new"
    with pytest.raises(UnknownLayout, match="layout of brand_new"):
        header({**read, "tie": True}, "F16")
