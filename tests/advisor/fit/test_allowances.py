from __future__ import annotations

from advisor.fit.allowances import DEVICE_OVERHEAD, DEVICE_OVERHEAD_UNKNOWN


def test_every_overhead_is_a_range_with_a_source() -> None:
    for figures in (*(row[2] for row in DEVICE_OVERHEAD), DEVICE_OVERHEAD_UNKNOWN):
        assert 0 < figures.low <= figures.planned <= figures.high
        assert figures.source
