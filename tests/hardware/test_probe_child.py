"""The probe as a child that hangs, crashes or talks nonsense."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from hardware import probe_child

HEALTHY: dict[str, Any] = {
    "os": "linux",
    "memory": {"total": 8, "available": 4, "cpu_cores": 2},
    "driver": None,
    "error": None,
    "accelerators": [],
}


def script(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def test_a_hanging_driver_is_a_time_out_and_leaves_no_process(driver: Callable[..., None]) -> None:
    driver(HANG="nvmlDeviceGetCount_v2")
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    start = time.monotonic()
    with pytest.raises(probe_child.ProbeFailure, match="did not answer") as error:
        probe_child.run(timeout_seconds=2)
    assert error.value.code == "timeout"
    assert time.monotonic() - start < 3.5
    assert {p.pid for p in psutil.Process().children(recursive=True)} <= before


def test_a_grandchild_that_keeps_the_pipe_open_does_not_hold_us_up() -> None:
    text = "import subprocess,sys,time; subprocess.Popen(['sleep','60']); time.sleep(60)"
    start = time.monotonic()
    with pytest.raises(probe_child.ProbeFailure):
        probe_child.run(script(text), timeout_seconds=0.5)
    assert time.monotonic() - start < 1.5


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        ("raise SystemExit('no such thing')", "crash", "no such thing"),
        ("import os; os.kill(os.getpid(), 11)", "crash", "exit status -11"),
        ("print('{')", "garbage", "not JSON"),
        ("pass", "garbage", "not JSON"),
        ("print('[]')", "garbage", "snapshot: "),
        ('print(\'{"os": "linux"}\')', "garbage", "is a required property"),
    ],
)
def test_a_broken_probe_is_one_word_and_one_sentence(text: str, code: str, sentence: str) -> None:
    with pytest.raises(probe_child.ProbeFailure, match=sentence) as error:
        probe_child.run(script(text))
    assert error.value.code == code


def device(**values: Any) -> dict[str, Any]:
    plain = dict.fromkeys(("uuid", "name", "memory_total", "memory_free", "error"))
    return {"vendor": "nvidia", "kind": "gpu", **plain, **values}


GOOD = {"uuid": "GPU-1", "name": "L4", "memory_total": 24 << 30, "memory_free": 20 << 30}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({**GOOD, "uuid": "GPU-2", "memory_total": 2**61}, "its memory_total is not valid"),
        ({**GOOD, "uuid": "GPU-2", "memory_total": "much"}, "its memory_total is not valid"),
        ({**GOOD, "uuid": "GPU-2", "memory_total": -1}, "its memory_total is not valid"),
        ({**GOOD, "uuid": "GPU-2", "memory_total": 0}, "reports no memory of it"),
        ({**GOOD, "uuid": "GPU 2"}, "its uuid is not valid"),
        ({**GOOD, "uuid": "ram"}, "its uuid is not valid"),
        ({**GOOD}, "another device has its uuid GPU-1"),
        ({**GOOD, "uuid": None, "name": None}, "no uuid and no name of it"),
        ({**GOOD, "uuid": "GPU-2", "name": "x" * 1000}, "its name is not valid"),
        ({**GOOD, "uuid": "GPU-2", "kind": "toaster"}, "its kind is not valid"),
        ({**GOOD, "uuid": "GPU-2", "more": 1}, "its more is not valid"),
    ],
)
def test_one_bad_device_is_named_and_leaves_the_others(bad: dict[str, Any], said: str) -> None:
    whole = {
        **HEALTHY,
        "accelerators": [device(**GOOD), device(**bad), device(**GOOD, vendor="amd") | {"uuid": "GPU-9"}],
    }
    found = probe_child.run(script(f"print({json.dumps(json.dumps(whole))})"))["accelerators"]
    assert [one["uuid"] for one in found] == ["GPU-1", None, "GPU-9"]
    assert said in found[1]["error"]["message"]
    assert found[0]["error"] is found[2]["error"] is None


def test_names_that_are_no_text_are_replaced_and_not_refused() -> None:
    whole = {**HEALTHY, "driver": "5\udcff", "accelerators": [device(**{**GOOD, "name": "L4\ud800\0"})]}
    found = probe_child.run(script(f"print({json.dumps(json.dumps(whole))})"))
    assert (found["driver"], found["accelerators"][0]["name"]) == ("5?", "L4??")


def test_a_name_that_is_not_utf8_is_read_from_the_driver(driver: Callable[..., None]) -> None:
    driver(GPUS=os.fsdecode(b"NVIDIA L4 \xff|24000|0|8.9;NVIDIA L40S|48000|0|8.9"))
    found = probe_child.run()["accelerators"]
    assert [one["name"] for one in found] == ["NVIDIA L4 \ufffd", "NVIDIA L40S"]
    assert [one["error"] for one in found] == [None, None]


@pytest.mark.parametrize(
    "wrong",
    [
        {"os": "beos"},
        {"memory": {"total": 0, "available": 0, "cpu_cores": 1}},
        {"memory": {"total": 8, "available": -1, "cpu_cores": 1}},
        {"accelerators": [device(uuid="ram", name="x")]},
        {"accelerators": [device(uuid="GPU-1 <script>", name="x")]},
        {"accelerators": [device(uuid="GPU-1", memory_total=2**61)]},
        {"accelerators": [device(uuid="GPU-1"), device(uuid="GPU-1")]},
        {"more": 1},
    ],
)
def test_a_reading_that_no_probe_prints_is_refused(wrong: dict[str, Any]) -> None:
    probe_child.check(HEALTHY)
    with pytest.raises(probe_child.ProbeFailure):
        probe_child.check(HEALTHY | wrong)


def test_no_file_descriptor_is_left_open() -> None:
    probe_child.run(script(f"print({__import__('json').dumps(HEALTHY)!r})"))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        probe_child.run(script(f"print({__import__('json').dumps(HEALTHY)!r})"))
    assert len(os.listdir("/proc/self/fd")) == before
