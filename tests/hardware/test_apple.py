"""Apple's tools as answers that the test makes."""

from __future__ import annotations

import platform

import pytest

from hardware import apple, match_reference

GIB = 1024**3


def test_an_apple_chip_shares_what_metal_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    answers = {
        "machdep.cpu.brand_string": "Apple M3 Max",
        "-d1": '  "gpu-core-count" = 40',
        "iogpu.wired_limit_mb": "0",
    }
    (gpu,) = apple.read_apple(64 * GIB, 60 * GIB, ask=lambda *command: answers[command[-1]])
    assert (gpu["name"], gpu["memory_total"], gpu["memory_free"]) == ("Apple M3 Max (40-core GPU)", 48 * GIB, 48 * GIB)
    described = match_reference.described(gpu, None, {"total": 64 * GIB, "reserved": 0, "available": 30 * GIB})
    assert described is not None
    assert (described["memory_bandwidth"], described["free_bytes"]) == (400_000_000_000, 30 * GIB)
    answers["iogpu.wired_limit_mb"] = "57344"
    assert apple.read_apple(64 * GIB, GIB, ask=lambda *command: answers[command[-1]])[0]["memory_total"] == 56 * GIB


def test_a_tool_that_is_not_there_says_nothing() -> None:
    assert apple.ask("/no/such/tool") == ""
    assert apple.ask("/bin/false") == ""
