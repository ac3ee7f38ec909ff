"""vLLM's cache from config.json alone, against what vLLM computed itself. Who makes the sums worse breaks the build."""

from __future__ import annotations

import pytest

from advisor.fit.memory.vllm.capacity import capacity
from advisor.fit.memory.vllm.config import UnknownLayout, read
from advisor.fit.memory.vllm.families import FAMILIES, SAME_AS
from advisor.fit.memory.vllm.requests import Serve
from tests.accuracy import vllm_rows

KINDS = ("full", "windowed", "chunked", "latent", "sparse index", "recurrent")


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_bytes_tokens_and_the_largest_context_are_vllms(kind: str) -> None:
    score = vllm_rows.scores()[kind]
    assert score.within(0.5) >= 99, f"{kind}: {score.within(0.5):.2f} % of the rows within 0.5 %"


@pytest.mark.parametrize("kind", KINDS)
def test_whether_it_starts_is_what_vllm_says(kind: str) -> None:
    score = vllm_rows.scores()[kind]
    assert score.right >= 99.5, f"{kind}: {score.wrong} of {len(score.errors)} rows wrong"


def test_every_row_has_a_class() -> None:
    assert set(vllm_rows.scores()) == set(KINDS)


@pytest.mark.parametrize(
    "change",
    [
        {"architectures": ["SomethingNewForCausalLM"]},
        {"architectures": None},
        {"model_type": "something_new"},
        {"num_hidden_layers": None},
        {"num_hidden_layers": "many"},
        {"layer_types": ["compressed_attention"] * 42},
    ],
)
def test_a_layout_that_the_table_does_not_know_is_said(change: dict) -> None:
    config = vllm_rows.configs()["gemma2-9b"] | change
    with pytest.raises(UnknownLayout, match=r"\.$"):
        capacity(read(config), Serve(), vllm_rows.CARDS["h100"], 1 << 30)


def test_no_architecture_is_in_the_table_twice() -> None:
    assert not set(FAMILIES) & set(SAME_AS)
    assert set(SAME_AS.values()) <= set(FAMILIES)
