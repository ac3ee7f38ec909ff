from __future__ import annotations

from advisor.fit.engines.llama_cpp.memory_curve import contexts


def test_contexts_double_up_to_the_model_s_own_limit() -> None:
    assert contexts(40960) == [4096, 8192, 16384, 32768, 40960]
    assert contexts(512) == [128, 256, 512]
    assert contexts(131072)[-2:] == [65536, 131072]
    assert contexts(100) == [100]
