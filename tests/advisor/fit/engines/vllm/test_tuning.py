from __future__ import annotations

from advisor.fit.engines.vllm.serve_options import Serve
from advisor.fit.engines.vllm.tuning import knobs
from tests.accuracy import vllm_rows


def test_fewer_batched_tokens_pay_where_layers_have_windows_and_nowhere_else() -> None:
    card, settings = vllm_rows.CARDS["h100"], Serve(max_model_len=32768)
    windowed, full = (
        {knob.setting: knob for knob in knobs(vllm_rows.reading(model), settings, card, 8 << 30)}
        for model in ("gemma3-12b", "llama31-8b")
    )
    assert windowed["max_num_batched_tokens"].saved_bytes > 0
    assert set(full) == {"kv_cache_dtype"}


def test_the_hybrid_manager_pays_where_it_was_off() -> None:
    off = Serve(max_model_len=32768, hybrid_manager=False)
    found = knobs(vllm_rows.reading("gemma3-12b"), off, vllm_rows.CARDS["h100"], 8 << 30)
    assert ("hybrid_manager", True) in {(knob.setting, knob.value) for knob in found}
