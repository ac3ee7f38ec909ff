from __future__ import annotations

from advisor.fit.engines.vllm.overhead import budget, overhead
from advisor.fit.engines.vllm.serve_options import Serve
from tests.accuracy import vllm_rows


def test_what_is_taken_beside_weights_and_cache_is_a_range_and_grows_with_the_batch() -> None:
    reading, card = vllm_rows.reading("llama31-8b"), vllm_rows.CARDS["h100"]
    small, large = (overhead(reading, Serve(max_num_batched_tokens=n), card) for n in (2048, 16384))
    assert small.low < small.high < large.high
    left = budget(reading, Serve(), card)
    assert left.low < left.high < card.requested_bytes - 16_060_522_496
