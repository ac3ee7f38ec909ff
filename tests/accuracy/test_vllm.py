"""vLLM's cache from config.json alone, against what vLLM computed itself. Who makes the sums worse breaks the build."""

from __future__ import annotations

import pytest

from advisor.answers.about import bounds
from advisor.fit.engines.vllm.capacity import capacity
from advisor.fit.engines.vllm.config import NotServed, UnknownConfig, read_config
from advisor.fit.engines.vllm.model_classes import FAMILIES, SAME_AS
from advisor.fit.engines.vllm.overhead import budget, overhead
from advisor.fit.engines.vllm.serve_options import Serve
from advisor.fit.engines.vllm.tuning import knobs
from tests.accuracy import vllm_rows

LIMIT = bounds()["vllm"]
KINDS = ("full", "windowed", "chunked", "latent", "sparse index", "recurrent")


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_bytes_tokens_and_the_largest_context_are_vllms(kind: str) -> None:
    score = vllm_rows.scores()[kind]
    share, percent = LIMIT["near"]
    assert score.within(percent) >= share, f"{kind}: {score.within(percent):.2f} % of the rows within {percent} %"


@pytest.mark.parametrize("kind", KINDS)
def test_whether_it_starts_is_what_vllm_says(kind: str) -> None:
    score = vllm_rows.scores()[kind]
    assert score.right >= LIMIT["starts"], f"{kind}: {score.wrong} of {len(score.errors)} rows wrong"


def test_every_row_has_a_class() -> None:
    assert set(vllm_rows.scores()) == set(KINDS)
    assert sum(len(score.errors) for score in vllm_rows.scores().values()) >= LIMIT["rows"]


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


def test_no_architecture_is_in_the_table_twice() -> None:
    assert not set(FAMILIES) & set(SAME_AS)
    assert set(SAME_AS.values()) <= set(FAMILIES)


def row_name(row: dict) -> str:
    return f"{row['model']} {row['quantization']} {row['tp']}"


LOADED = [row for row in vllm_rows.weights() if row["bytes"] is not None]
# vLLM takes groups of 64 for these experts, whose 2,880 columns 128 does not divide; nothing else does so.
ODD_GROUPS = ("gpt-oss-20b gptq_int4_g128 1", "gpt-oss-20b gptq_int8_g128 1")


@pytest.mark.parametrize("row", LOADED, ids=row_name)
def test_weights_of_a_device_are_within_half_a_percent(row: dict) -> None:
    if row_name(row) in ODD_GROUPS:
        with pytest.raises(UnknownConfig, match="groups of 128"):
            vllm_rows.predicted_weights(row)
        return
    assert vllm_rows.predicted_weights(row) == pytest.approx(row["bytes"], rel=0.005)


@pytest.mark.parametrize("row", [r for r in vllm_rows.weights() if r["bytes"] is None and r["tp"] == 1], ids=row_name)
def test_weights_that_vllm_does_not_load_are_refused(row: dict) -> None:
    with pytest.raises(NotServed, match="groups of 128"):
        vllm_rows.predicted_weights(row)


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


def test_what_is_taken_beside_weights_and_cache_is_a_range_and_grows_with_the_batch() -> None:
    reading, card = vllm_rows.reading("llama31-8b"), vllm_rows.CARDS["h100"]
    small, large = (overhead(reading, Serve(max_num_batched_tokens=n), card) for n in (2048, 16384))
    assert small.low < small.high < large.high
    left = budget(reading, Serve(), card)
    assert left.low < left.high < card.requested_bytes - 16_060_522_496


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
