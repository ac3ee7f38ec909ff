from __future__ import annotations

import pytest

from advisor.fit.architectures.hub_config import hub_facts
from advisor.intake.check import ImportRefused, agreement, count_tensors
from catalog.safetensors import Stored
from tests.support.hub_files import CONFIG, TOTAL, tensors

FACTS = hub_facts(CONFIG)


def stored(**extra):
    return [Stored(name, dtype, shape) for name, (dtype, shape) in (tensors() | extra).items()]


def test_a_head_that_is_not_stored_means_a_tied_one():
    without = [tensor for tensor in stored() if tensor.name != "lm_head.weight"]
    found = agreement({**FACTS, "tie": None}, count_tensors(without, 2))
    assert found.architecture["tie"] is True
    assert found.total == TOTAL - 256_000
    assert found.sentence.startswith("verified")


def test_a_tied_head_that_is_stored_all_the_same_is_no_difference():
    found = agreement({**FACTS, "tie": True}, count_tensors(stored(), 2))
    assert found.sentence.startswith("verified")
    assert found.total == TOTAL


def test_an_embedding_model_without_a_head_is_one():
    without = [tensor for tensor in stored() if tensor.name != "lm_head.weight"]
    assert agreement(FACTS, count_tensors(without, 2)).architecture["lm_head"] is False


def test_scales_beside_the_weights_are_no_parameters():
    scales = {"model.layers.0.mlp.up_proj.weight_scale_inv": ("F32", (4, 2)), "rotary_emb.inv_freq": ("F32", (32,))}
    assert count_tensors(stored(**scales), 2).total == TOTAL


def test_packed_weights_are_counted_by_the_configuration():
    packed = [Stored(t.name, "U8", (t.shape[0], t.shape[-1] // 2)) for t in stored()]
    found = agreement(FACTS, count_tensors(packed, 2))
    assert found.total == TOTAL
    assert "stored packed" in found.sentence


def test_files_without_a_text_model_are_refused():
    with pytest.raises(ImportRefused, match="no text model"):
        agreement(FACTS, count_tensors([Stored("vision_tower.x", "BF16", (4, 4))], 2))
