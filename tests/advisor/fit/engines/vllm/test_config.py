from __future__ import annotations

import pytest

from advisor.fit.engines.vllm.capacity import capacity
from advisor.fit.engines.vllm.config import UnknownConfig, read_config
from advisor.fit.engines.vllm.serve_options import Serve
from tests.accuracy import vllm_rows


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
    with pytest.raises(UnknownConfig, match=r"\.$"):
        capacity(read_config(config), Serve(), vllm_rows.CARDS["h100"], 1 << 30)
