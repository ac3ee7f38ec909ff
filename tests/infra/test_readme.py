"""What the README tells a person to type, typed: every command that is not about installing, on a running Berth."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.accuracy.measured import header
from tests.plugin.berth import ROOT, Berth
from tests.support.hollow import write

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
NOT_HERE = ("make ", "python3 -m venv", ".venv/bin/pip", "createsuperuser")


def scripts() -> list[str]:
    return [block for block in BLOCKS if not any(word in block for word in NOT_HERE)]


def test_the_readme_has_an_example_for_each_door() -> None:
    text = "\n".join(scripts())
    for door in ("api/v1/recommendations/", "api/v1/launches/", "manage.py advise", "manage.py estimate"):
        assert door in text


@pytest.mark.parametrize("number", range(len(scripts())))
def test_an_example_of_the_readme_works(berth: Berth, tmp_path: Path, number: int) -> None:
    script = scripts()[number].replace("http://127.0.0.1:8000", berth.base_url)
    script = script.replace(".venv/bin/python", shlex.quote(sys.executable))
    if "path/to/model.gguf" in script:
        head = header("llama-3.1-8b", "q4_k_m")
        file = write(tmp_path / "model.gguf", head.kv, head.tensors, head.n_vocab)
        script = script.replace("path/to/model.gguf", str(file))
    script = script.replace("curl ", "curl -sS --fail-with-body ")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=berth.environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_every_file_that_the_readme_links_is_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
