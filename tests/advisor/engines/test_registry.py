"""One folder more is an engine more, one less an engine less; the adapter that the guide shows is one."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from advisor import engines as package
from advisor.engines import registry
from advisor.engines.base import Adapter, Program
from advisor.engines.registry import adapters, bases, program
from advisor.fit.engines.llama_cpp.settings import Settings
from tests.plugin.berth import ROOT
from tests.support.ask import recommend

GUIDE = (ROOT / "docs" / "extending.md").read_text().partition("## An engine\n")[2].partition("\n## ")[0]
(EXAMPLE,) = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[str]], None]]:
    """The package of engines looks into these folders."""
    loaded = {name for name in sys.modules if name.startswith(f"{package.__name__}.")}

    def look(folders: list[str]) -> None:
        monkeypatch.setattr(package, "__path__", folders)
        adapters.cache_clear()

    yield look
    adapters.cache_clear()
    for name in {name for name in sys.modules if name.startswith(f"{package.__name__}.")} - loaded:
        del sys.modules[name]


def test_the_adapter_of_the_guide_is_an_engine(tmp_path: Path, folder: Callable[[list[str]], None]) -> None:
    (tmp_path / "example").mkdir()
    (tmp_path / "example" / "__init__.py").touch()
    (tmp_path / "example" / "adapter.py").write_text(EXAMPLE)
    folder([*package.__path__, str(tmp_path)])
    engine = adapters()["example"]
    assert [name for name in Adapter.__annotations__ if not hasattr(engine, name)] == []
    words = engine.argv(Settings(context=2048), model="/m/a.gguf", alias="a", port=8100, threads=2)
    assert words[:3] == ["example-server", "--model", "/m/a.gguf"]
    with pytest.raises(ValueError, match="absolute path"):
        engine.argv(Settings(), model="a.gguf", alias="a")
    assert engine.env(["GPU-a"], "1")["BERTH_LAUNCH_ID"] == "1"
    assert engine.buffers("loading") == {}
    assert program(engine, {"EXAMPLE_SERVER": sys.executable}) == Program("example-server", (sys.executable,))
    assert program(engine, {}) is None


def test_the_adapter_of_the_guide_imports_nothing_of_ours() -> None:
    found = [node for node in ast.walk(ast.parse(EXAMPLE)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in found] == ["from typing import Any"]


@pytest.mark.django_db
@pytest.mark.usefixtures("seeded")
def test_without_its_folder_an_engine_is_gone_and_answers_are_still_given(
    tmp_path: Path, folder: Callable[[list[str]], None]
) -> None:
    question = {"hardware": {"text": "RTX 4090, 64 GB RAM"}, "workload": {"context": 5000}, "limit": 1}
    folder([str(tmp_path)])
    assert adapters() == {}
    (result,) = recommend(question)["results"]
    assert (result["engine"], result["command"]) == ("llama.cpp", [])


def test_every_module_of_the_package_is_an_engine_and_every_program_has_a_base() -> None:
    engine = adapters()["llama.cpp"]
    assert {program["name"] for program in engine.PROGRAMS} == set(bases())
    for name in Adapter.__annotations__:
        assert hasattr(engine, name), name


def test_a_configured_program_comes_first_and_one_that_is_not_there_is_passed_over(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    engine = adapters()["llama.cpp"]
    first = registry.program(engine, dict.fromkeys(("LLAMA_SERVER", "EXAMPLE_SERVER"), "/bin/sh"))
    assert first is not None
    assert (first.name, first.words) == ("llama-server", ("/bin/sh",))
    second = registry.program(engine, {"LLAMA_SERVER": "/bin/not-there"})
    assert second is not None
    assert second.name == "xllamacpp"
