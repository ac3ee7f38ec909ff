from __future__ import annotations

from typing import Any

import pytest

from advisor.fit.engines.vllm.serve_options import CACHE_TYPES, Serve, serve


def test_what_is_missing_or_null_takes_vllms_default() -> None:
    assert serve({}) == serve(dict.fromkeys(Serve.__dataclass_fields__)) == Serve()
    assert serve({"tp": 2, "max_model_len": None, "kv_cache_dtype": "fp8"}) == Serve(tp=2, kv_cache_dtype="fp8")


@pytest.mark.parametrize("name", CACHE_TYPES)
def test_every_type_of_cache_may_be_asked_for(name: str) -> None:
    assert serve({"kv_cache_dtype": name}).kv_cache_dtype == name


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"speed": 1}, "'speed' is not known; known are tp, kv_cache_dtype"),
        ({"tp": 0}, "'tp' must be a whole number from 1 to 1024"),
        ({"tp": True}, "'tp' must be a whole number"),
        ({"max_model_len": 1.5}, "'max_model_len' must be a whole number"),
        ({"max_num_seqs": -1}, "'max_num_seqs' must be a whole number"),
        ({"kv_budget_bytes": -1}, "'kv_budget_bytes' must be a whole number from 0"),
        ({"hybrid_manager": 1}, "'hybrid_manager' must be true or false"),
        ({"kv_cache_dtype": "int3"}, "'kv_cache_dtype' must be one of auto, bfloat16"),
    ],
)
def test_what_is_wrong_is_one_sentence_that_names_the_setting(row: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as raised:
        serve(row)
    assert words in str(raised.value)
