from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from django.core.management import CommandError

from advisor.engines import dry_run
from advisor.engines.dry_run import EnginePlan
from advisor.engines.llama_cpp import wheel_library
from advisor.estimates import confirm_with_engine
from advisor.fit.spec import DeviceMemory
from tests.accuracy import measured
from tests.support import hollow
from tests.support.estimate_command import called

GIB = 1 << 30


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    header = measured.header("qwen3-0.6b", "q4_k_m")
    path = tmp_path_factory.mktemp("hollow") / "qwen3-0.6b.gguf"
    return hollow.write(path, header.kv, header.tensors, header.n_vocab)


def test_the_engines_own_plan_stands_beside_the_prediction_part_by_part(file: Path) -> None:
    confirmed = orjson.loads(called(file, "--context", 8192, "--confirm", "--json"))["confirmed"]
    assert confirmed["agrees"] is True
    assert confirmed["engine"] == f"llama.cpp {wheel_library.build()}"
    assert confirmed["host"]["kv"] == {"predicted": 939524096, "engine": 939524096, "difference_percent": 0}
    assert confirmed["host"]["total"]["engine"] == sum(sum(b.values()) for b in confirmed["buffers"].values())
    text = called(file, "--context", 8192, "--confirm")
    assert "confirms the prediction (within 2 %)" in text
    assert [line.split()[0] for line in text.splitlines()[-5:-1]] == ["weights", "kv", "compute", "total"]


def test_an_engine_that_plans_otherwise_does_not_confirm() -> None:
    found = dry_run.differences(
        DeviceMemory(GIB, 0, GIB), EnginePlan("b1", {"CPU": {"weights": GIB, "kv": 0, "compute": 2 * GIB}})
    )
    text = confirm_with_engine.table({"engine": "llama.cpp b1", "agrees": dry_run.agrees(found), "host": found})
    assert text.splitlines()[3].split() == ["compute", "1.000", "2.000", "-50.00", "%"]
    assert text.endswith("llama.cpp b1 does not confirm the prediction (within 2 %).")


def test_where_the_engine_does_not_tell_one_sentence_says_why(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Not confirmed: The installed engine computes on the CPU only" in called(file, "--devices", 1, "--confirm")
    monkeypatch.setattr(dry_run, "SECONDS", 0.01)
    late = orjson.loads(called(file, "--confirm", "--json"))["confirmed"]
    assert late == {"unknown": "The engine gave no plan of its own within 0.01 seconds."}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "Not confirmed: No engine that can be asked" in called(file, "--confirm")
    with pytest.raises(CommandError, match="one file"):
        called("--batch", "-", "--confirm")
