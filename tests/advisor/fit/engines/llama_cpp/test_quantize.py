from __future__ import annotations

import pytest

from advisor.fit.engines.llama_cpp.quantize import MIXES, WeightShape, assign

BLOCKS = 16


def metadata(**values: object) -> dict[str, object]:
    facts = {"block_count": BLOCKS, "attention.head_count": 32, "attention.head_count_kv": 8, **values}
    return {"general.architecture": "llama", **{f"llama.{key}": value for key, value in facts.items()}}


def types(quantization: str, name: str, *, row: int = 4096, tied: bool = False, **values: object) -> list[str]:
    """Types of one tensor over all blocks of a small model."""
    weights = [WeightShape("token_embd.weight", (row, 32000))] + [WeightShape("output.weight", (row, 32000))] * (
        not tied
    )
    weights += [WeightShape(f"blk.{i}.{part}.weight", (row, 1024)) for i in range(BLOCKS) for part in PARTS]
    chosen = zip(weights, assign(weights, metadata(**values), quantization), strict=True)
    return [type_name for weight, type_name in chosen if weight.name.split(".")[-2] == name]


PARTS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


def test_every_third_down_projection_between_the_outer_eighths_gets_more_bits():
    assert types("Q4_K_M", "ffn_down") == [
        "q6_K" if i < 2 or i >= 14 or (i - 2) % 3 == 2 else "q4_K" for i in range(BLOCKS)
    ]


def test_small_mixes_keep_the_first_value_projections_and_all_outputs_wider():
    assert types("Q3_K_M", "attn_v") == ["q5_K"] * 2 + ["q4_K"] * (BLOCKS - 2)
    assert set(types("Q3_K_M", "attn_output")) == {"q4_K"}
    assert set(types("Q2_K", "ffn_down")) == {"q3_K"}


def test_two_bits_spend_more_on_values_that_many_heads_share():
    assert set(types("Q2_K", "attn_v")) == {"q4_K"}
    assert set(types("Q2_K", "attn_v", **{"attention.head_count_kv": 16})) == {"q3_K"}


def test_the_output_matrix_is_wider_and_a_tied_embedding_stands_in_for_it():
    assert types("Q4_K_M", "output") == ["q6_K"]
    assert types("Q4_K_M", "token_embd") == ["q4_K"]
    assert types("Q4_K_M", "token_embd", tied=True) == ["q6_K"]


def test_rows_that_fill_no_block_of_256_fall_back_to_blocks_of_32():
    assert set(types("Q4_K_M", "attn_q", row=576)) == {"q5_0"}
    assert set(types("Q6_K", "attn_q", row=576)) == {"q8_0"}
    assert set(types("IQ4_XS", "attn_q", row=576)) == {"iq4_nl"}


def test_rows_that_fill_no_block_at_all_stay_as_they_are():
    assert set(types("Q8_0", "attn_q", row=100)) == {"f16"}


def test_eight_experts_give_their_small_attention_tensors_eight_bits():
    assert set(types("Q4_K_M", "attn_k", expert_count=8)) == {"q8_0"}
    assert set(types("Q4_K_M", "attn_output", expert_count=8)) == {"q5_K"}
    assert set(types("Q4_K_M", "attn_k", expert_count=16)) == {"q4_K"}


@pytest.mark.parametrize("quantization", MIXES)
def test_vectors_norms_and_routers_are_never_quantised(quantization):
    weights = [WeightShape("output_norm.weight", (64,)), WeightShape("blk.0.ffn_gate_inp.weight", (4096, 8))]
    assert assign(weights, metadata(), quantization) == ["f32", "f32"]


def test_an_unknown_quantization_is_named_with_those_that_are_known():
    with pytest.raises(ValueError, match=r"quantization must be one of F16, BF16, .*, not 'Q9_X'"):
        assign([], metadata(), "Q9_X")
