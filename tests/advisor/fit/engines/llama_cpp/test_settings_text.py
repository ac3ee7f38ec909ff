from __future__ import annotations

from typing import Any

import pytest

from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.settings_text import ALL_LAYERS, KNOWN, read_settings

FIRST_TWO = ",".join(rf"blk\.{i}\.ffn_(up|down|gate|gate_up)_(ch|)exps=CPU" for i in range(2))


def test_llama_cpps_own_defaults_stand_where_nothing_is_said() -> None:
    read = read_settings({})
    assert read.settings == Settings(context=4096, batch=2048, ubatch=512)
    assert read.moved is None
    assert read_settings(dict.fromkeys(("ctx", "ndev", "ngl", "ts", "ot"))) == read


def test_short_names_are_read_into_the_fields_of_the_settings() -> None:
    row = {
        **{"ctx": 8192, "par": 2, "unified": 1, "ctk": "q8_0", "ctv": "q5_1", "fa": 1, "ndev": 2, "ngl": -1},
        **{"ts": "3/1", "batch": 256, "ubatch": 64, "kvo": 0, "out": "lib", "emb": 1, "swafull": 1, "note": "by hand"},
    }
    assert set(row) == KNOWN - {"ot"}
    assert read_settings(row).settings == Settings(
        context=8192, slots=2, unified=True, kv_type_k="q8_0", kv_type_v="q5_1", flash_attention=True,
        gpu_layers=ALL_LAYERS, devices=2, tensor_split=(3.0, 1.0), batch=256, ubatch=64, kv_offload=False,
        outputs="lib", embedding=True, swa_full=True,
    )  # fmt: skip


def test_devices_that_the_split_does_not_name_get_nothing() -> None:
    assert read_settings({"ndev": 3, "ts": "1"}).settings.tensor_split == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("text", "experts"),
    [(r"\.ffn_(up|down|gate|gate_up)_(ch|)exps=CPU", ALL_LAYERS), (FIRST_TWO, 2), (FIRST_TWO.replace(",", ";"), 2)],
    ids=["--cpu-moe", "--n-cpu-moe", "by semicolons"],
)
def test_what_the_engines_own_switches_write_is_known_as_experts_on_the_host(text: str, experts: int) -> None:
    read = read_settings({"ot": text})
    assert (read.settings.experts_on_cpu, read.moved) == (experts, None)
    assert read.settings.override == text


def test_another_pattern_names_the_tensors_that_move() -> None:
    read = read_settings({"ot": r"blk\.1\.ffn_=CPU,attn_q=CPU"})
    assert read.moved
    assert [bool(read.moved.search(f"blk.{name}.weight")) for name in ("1.ffn_up", "0.attn_q", "0.ffn_up")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"context": 1}, "'context' is not known; known are batch, ctk,"),
        ({"ctx": 0}, "'ctx' must be a whole number from 1 to"),
        ({"ctx": "4096"}, "'ctx' must be a whole number"),
        ({"ngl": -2}, "'ngl' must be a whole number from -1"),
        ({"ndev": 17}, "'ndev' must be a whole number from 0 to 16"),
        ({"ctk": "q9"}, "'ctk' must be one of f32, f16"),
        ({"fa": 2}, "'fa' must be one of -1, 0, 1"),
        ({"fa": 0, "ctv": "q8_0"}, "'ctv' can be quantised only with flash attention"),
        ({"ndev": 1, "ts": "1,1"}, "'ts' must be one share per device"),
        ({"ndev": 2, "ts": "0,0"}, "'ts' must be one share per device"),
        ({"ndev": 2, "ts": "1,inf"}, "'ts' must be one share per device"),
        ({"ndev": 2, "ts": "1,-1"}, "'ts' must be one share per device"),
        ({"ot": "x=CUDA0"}, "other buffers than CPU"),
        ({"ot": "=CPU"}, "must be PATTERN=CPU"),
        ({"ot": "(=CPU"}, "cannot be read"),
        ({"ot": 7}, "'ot' must be text"),
    ],
)
def test_what_is_wrong_is_one_sentence_that_names_the_setting(row: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as raised:
        read_settings(row)
    assert words in str(raised.value)
