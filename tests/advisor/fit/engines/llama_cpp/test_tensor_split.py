from __future__ import annotations

from advisor.fit.engines.llama_cpp.tensor_split import shares


def test_shares_follow_the_room_and_lose_no_layer():
    assert shares([10] * 30, [100, 100]) == [15, 15]
    assert shares([10] * 30, [200, 100]) == [20, 10]
