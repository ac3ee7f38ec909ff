from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.weights import (
    Placement,
    device_weight_bytes,
    host_weight_bytes,
    place_weights,
)
from tests.support.layers import DENSE, LAYER

FOUR = replace(DENSE, layers=(LAYER,) * 4)
EXPERTS = replace(LAYER, experts_device=1000, experts_host=900)
ROUTED = replace(DENSE, layers=(EXPERTS,) * 4)
HALVES = (1.0, 1.0)


@pytest.mark.parametrize(
    ("settings", "bounds", "output", "experts"),
    [
        (Settings(), (4,), None, 4),
        (Settings(devices=1), (4, 4), None, 4),
        (Settings(devices=1, gpu_layers=5), (0, 4), 0, 0),
        (Settings(devices=1, gpu_layers=99), (0, 4), 0, 0),
        (Settings(devices=1, gpu_layers=1), (4, 4), 0, 4),  # the output matrix alone
        (Settings(devices=1, gpu_layers=3), (2, 4), 0, 2),
        (Settings(devices=2, gpu_layers=5, tensor_split=HALVES), (0, 3, 4), 1, 0),
        (Settings(devices=2, gpu_layers=5, tensor_split=(1.0, 0.0)), (0, 4, 4), 0, 0),
        (Settings(devices=2, gpu_layers=5, tensor_split=(4.0, 1.0)), (0, 4, 4), 1, 0),
        (Settings(devices=1, gpu_layers=5, experts_on_cpu=2), (0, 4), 0, 2),
        (Settings(devices=1, gpu_layers=2, experts_on_cpu=1), (3, 4), 0, 3),
    ],
)
def test_the_last_layers_go_to_the_devices_by_their_shares(
    settings: Settings, bounds: tuple[int, ...], output: int | None, experts: int
) -> None:
    assert place_weights(FOUR, settings) == Placement(bounds, output, experts)


@pytest.mark.parametrize("layers", range(6))
def test_no_block_is_lost_or_held_twice(layers: int) -> None:
    where = place_weights(FOUR, Settings(devices=2, gpu_layers=layers, tensor_split=(3.0, 1.0)))
    held = [device_weight_bytes(FOUR, where, device) for device in range(2)]
    output = FOUR.output_device if where.output is not None else 0
    on_devices = max(layers - 1, 0)
    assert sum(held) == on_devices * LAYER.device + output
    host = FOUR.embedding_host + (4 - on_devices) * LAYER.host + (0 if output else FOUR.output_host)
    assert host_weight_bytes(FOUR, where) == host


def test_experts_that_stay_on_the_host_are_not_on_the_device() -> None:
    whole, kept = (place_weights(ROUTED, Settings(devices=1, gpu_layers=5, experts_on_cpu=count)) for count in (0, 3))
    assert device_weight_bytes(ROUTED, whole, 0) - device_weight_bytes(ROUTED, kept, 0) == 3 * 1000
    assert host_weight_bytes(ROUTED, kept) - host_weight_bytes(ROUTED, whole) == 3 * 900
