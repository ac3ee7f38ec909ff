from __future__ import annotations

from advisor.fit.engines.vllm.model_classes import FAMILIES, SAME_AS


def test_no_architecture_is_in_the_table_twice() -> None:
    assert not set(FAMILIES) & set(SAME_AS)
    assert set(SAME_AS.values()) <= set(FAMILIES)
