"""The child that asks the engine for its own plan, and all that can become of it."""

from __future__ import annotations

import _ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from advisor.engines import dry_run
from advisor.engines.dry_run import EnginePlan, NoAnswer
from advisor.engines.llama_cpp import wheel_library
from advisor.engines.registry import dry_run_command, engines
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.spec import DeviceMemory
from advisor.launch import process
from tests.accuracy import measured
from tests.support import hollow

COMMAND = dry_run_command(engines()["llama.cpp"])
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


def test_a_child_whose_parent_died_ends_by_itself(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.gguf")  # opening it for reading never returns
    request = {"model": str(tmp_path / "x.gguf"), "settings": Settings()._asdict(), "seconds": 1.0}
    orphan = subprocess.run(
        COMMAND,
        input=json.dumps({**request, "address_space": dry_run.ADDRESS_SPACE}).encode(),
        capture_output=True,
        cwd=dry_run.ROOM,
        timeout=30,
        check=False,
    )
    assert orphan.returncode == -signal.SIGALRM


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


# ---------------------------------------------------------------- a library that is not the one we know

STRANGE = {
    "a field more": ("MODEL = l.MODEL + (('more', l.PTR, None),)", "fills 78 bytes, and the layout known here has 88"),
    "a field less": ("CONTEXT = l.CONTEXT[:-1]", "fills 168 bytes, and the layout known here has 160"),
    "another order": ("CONTEXT = (l.CONTEXT[1], l.CONTEXT[0], *l.CONTEXT[2:])", "has n_batch = 512, and 2048 was exp"),
    "another default": ("MODEL = (*l.MODEL[:-1], ('load_mtp', l.BOOL, True))", "has load_mtp = False, and True was"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_layout_that_does_not_hold_is_refused(name: str) -> None:
    change, sentence = STRANGE[name]
    code = (
        "import sys; from advisor.engines.llama_cpp import wheel_library as l\n"
        f"MODEL, CONTEXT = l.MODEL, l.CONTEXT\n{change}\nengine = l.load_library(l.find_library())\n"
        "l.defaults(engine, 'llama_model_default_params', l.structure('M', MODEL), MODEL)\n"
        "l.defaults(engine, 'llama_context_default_params', l.structure('C', CONTEXT), CONTEXT)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=dry_run.ROOM, capture_output=True, text=True, timeout=60, check=False
    )
    assert "LibraryRefused: " in ended.stderr
    assert sentence in ended.stderr


def test_a_library_without_the_functions_is_refused() -> None:
    with pytest.raises(wheel_library.LibraryRefused, match="llama_backend_init"):
        wheel_library.load_library(Path(_ctypes.__file__))
