from __future__ import annotations

import pytest

from advisor.fit.engines.vllm.config import read_config
from tests.accuracy import vllm_rows


def test_modules_that_a_checkpoint_does_not_quantize_keep_their_size() -> None:
    config = vllm_rows.configs()["llama31-8b"]
    ignore = ["lm_head", "re:.*self_attn.*"]
    row = {"quant_method": "fp8", "modules_to_not_convert": ignore}
    all_of_it, but_attention = (
        vllm_rows.weight_bytes(read_config(config | {"quantization_config": said}), 1)
        for said in ({"quant_method": "fp8"}, row)
    )
    attention = 32 * (4096 * 6144 + 4096 * 4096)  # one byte more for each of these
    assert but_attention - all_of_it == pytest.approx(attention, rel=1e-5)
