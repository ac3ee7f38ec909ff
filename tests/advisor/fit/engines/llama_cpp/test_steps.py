from __future__ import annotations

from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.steps import ranges, steps
from tests.support.layers import DENSE, WHOLE


def test_blocks_go_to_the_cards_from_the_last_one_backwards_and_by_the_split() -> None:
    split = ranges(len(DENSE.layers), Settings(gpu_layers=24, devices=2, tensor_split=(3.0, 1.0)), 2)
    assert split == [(2, 0, 8), (0, 8, 26), (1, 26, 32)]


def test_the_output_matrix_follows_the_last_block_only_when_asked_for() -> None:
    inside = steps(DENSE, WHOLE._replace(gpu_layers=33), 1, 1)[0].dense
    outside = steps(DENSE, WHOLE._replace(gpu_layers=32), 1, 1)[0].dense
    assert inside - outside == DENSE.output_device
