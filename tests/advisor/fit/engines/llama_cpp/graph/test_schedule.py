"""What the scheduler makes of graphs that fit on a page."""

from __future__ import annotations

import pytest

from advisor.fit.engines.llama_cpp.graph.interpolate import GraphProgram
from advisor.fit.engines.llama_cpp.graph.schedule import Schedule, assigned
from advisor.fit.engines.llama_cpp.graph.trace import Trace, Weight

KIB = 1 << 10


def buffers(trace: Trace, copies: int = 1) -> tuple[int, ...]:
    return GraphProgram(copies).at(256, lambda: Schedule(trace))


def chain(devices: int, home: int, rows: int = 512) -> Trace:
    """Three products with weights that lie on `home`; the last stays on the first device."""
    trace = Trace(devices)
    x = trace.op(KIB, trace.given(KIB), at=trace.host)
    for _ in range(3):
        x = trace.op(KIB, x, weight=Weight(16 * KIB, home), rows=rows)
    trace.op(KIB, x, at=0)
    return trace


def test_weights_on_the_device_take_no_room_in_its_compute_buffer() -> None:
    assert buffers(chain(1, home=0))[0] == 2 * KIB


def test_host_weights_are_pulled_over_one_at_a_time_for_large_batches() -> None:
    device, host = buffers(chain(1, home=1))
    assert device == 18 * KIB
    assert host == 2 * KIB


def test_small_batches_are_worked_on_where_their_weights_lie() -> None:
    assert buffers(chain(1, home=1, rows=8))[0] == 2 * KIB


@pytest.mark.parametrize(("readers", "inplace", "peak"), [(1, True, 1), (1, False, 2), (2, True, 2)])
def test_an_operation_in_place_takes_the_room_of_what_nobody_else_reads(readers: int, inplace: bool, peak: int) -> None:
    trace = Trace(1)
    x = trace.op(KIB, at=0)
    trace.op(0, *(trace.op(KIB, x, inplace=inplace),) * readers, *(x,) * (readers - 1), at=0)
    assert buffers(trace)[0] == peak * KIB


def test_operations_without_a_device_follow_their_neighbours_and_the_host_only_where_no_device_is_near() -> None:
    host = 2
    assert assigned([-1, host, -1, 0, -1, -1, 1, -1, host, -1], host) == [host, host, 0, 0, 0, 0, 1, 1, host, host]


def test_every_batch_in_flight_has_its_own_inputs_on_each_device() -> None:
    trace = Trace(2)
    mask = trace.given(KIB)
    x = trace.op(KIB, mask, at=0)
    trace.op(KIB, x, mask, at=1)
    assert buffers(trace, copies=4) == (5 * KIB, 9 * KIB, 4 * KIB)
