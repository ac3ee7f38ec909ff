"""The child that asks the engine for its own plan, and all that can become of it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import psutil
import pytest

from advisor.engines import dry_run
from advisor.engines.dry_run import EnginePlan, NoAnswer
from advisor.engines.llama_cpp import wheel_library
from advisor.engines.registry import adapters, dry_run_command
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.spec import DeviceMemory
from advisor.launch import process
from tests.accuracy import measured
from tests.support import hollow

COMMAND = dry_run_command(adapters()["llama.cpp"])
PLAN = {"build": "b1", "buffers": {"CPU": {"weights": 1, "kv": 2, "compute": 3}}}


def child(code: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", f"import json, os, sys, time; {code}")


def ask(command: tuple[str, ...], seconds: float = 30) -> str:
    """Code and sentence of an answer that does not come."""
    with pytest.raises(NoAnswer) as caught:
        dry_run.ask_engine(command, Path("/x.gguf"), Settings(), seconds=seconds)
    return f"{caught.value.code}: {caught.value}"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    header = measured.header("tinyllama-1.1b", "q4_k_m")
    path = tmp_path_factory.mktemp("hollow") / "tiny.gguf"
    return hollow.write(path, header.kv, header.tensors, header.n_vocab)


def test_the_engine_plans_a_file_of_which_only_the_header_is_there(file: Path) -> None:
    plan = dry_run.ask_engine(COMMAND, file, Settings(context=8192), seconds=30)
    assert {"CPU", "CPU_REPACK"} >= set(plan.buffers) > set()
    assert plan.host.kv == 8192 * 22 * 2 * 256 * 2
    assert plan.build == wheel_library.build()


OUTCOMES = {
    "a crash": (child("os.abort()"), "crash: The engine's dry run crashed (signal 6)."),
    "an end by error": (child("sys.exit(3)"), "crash: The engine's dry run crashed (exit status 3)."),
    "words": (child("print('hello')"), "garbage: The engine's dry run printed something that is not a plan."),
    "nothing": (child("pass"), "garbage: The engine's dry run printed something that is not a plan."),
    "no buffers": (child('print(\'{"build": null, "buffers": {}}\')'), "garbage: The engine's dry run printed sizes"),
    "negative bytes": (child(f"print({json.dumps(PLAN)!r}.replace('3', '-3'))"), "garbage: The engine's dry run print"),
    "a list": (child("print([1])"), "garbage: The engine's dry run printed something that is not a plan."),
    "no program": ((), "absent: No engine that can be asked for its own plan is installed on this machine."),
    "no such file": (("/nowhere/python",), "absent: The engine's dry run could not be started: No such file"),
    "no model": (COMMAND, "refused: The engine does not take this file: "),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_whatever_becomes_of_the_child_is_told_in_one_sentence(name: str) -> None:
    command, sentence = OUTCOMES[name]
    assert ask(command).startswith(sentence)


def test_a_child_that_hangs_is_ended_with_all_that_it_started() -> None:
    begun = time.monotonic()
    answer = ask(child("os.fork(); time.sleep(600.125)"), seconds=0.5)
    assert answer == "timeout: The engine gave no plan of its own within 0.5 seconds."
    assert time.monotonic() - begun < 3
    deadline = time.monotonic() + 5
    while left := [p for p in psutil.process_iter(["cmdline"]) if "600.125" in " ".join(p.info["cmdline"] or ())]:
        assert time.monotonic() < deadline, left


def test_the_child_carries_neither_the_marker_of_a_launch_nor_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(process.MARKER, "a launch")
    monkeypatch.setenv("SECRET_KEY", "secret")
    answer = ask(child("print(json.dumps({'build': None, 'refused': str(dict(os.environ))}))"))
    assert process.MARKER not in answer
    assert "secret" not in answer


def test_an_engine_that_wants_more_memory_than_a_plan_needs_does_not_get_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_run, "ADDRESS_SPACE", 400 << 20)
    with pytest.raises(NoAnswer):
        dry_run.ask_engine(COMMAND, file, Settings(context=1 << 25), seconds=30)


def test_a_plan_for_devices_is_not_compared_with_one_for_the_cpu(file: Path) -> None:
    with pytest.raises(NoAnswer, match="computes on the CPU only"):
        dry_run.ask_engine(COMMAND, file, Settings(devices=1, gpu_layers=99), seconds=30)


def test_an_unknown_build_is_said() -> None:
    assert EnginePlan(None, PLAN["buffers"]).engine == "llama.cpp of an unknown build"


def test_differences_are_told_per_part_and_in_all() -> None:
    found = dry_run.differences(DeviceMemory(1, 2, 6, overhead=99), EnginePlan("b1", PLAN["buffers"]))
    assert found["kv"] == {"predicted": 2, "engine": 2, "difference_percent": 0}
    assert found["compute"]["difference_percent"] == 100
    assert found["total"] == {"predicted": 9, "engine": 6, "difference_percent": 50}
    assert not dry_run.agrees(found)
    assert dry_run.agrees(dry_run.differences(DeviceMemory(1, 2, 3), EnginePlan("b1", PLAN["buffers"])))
