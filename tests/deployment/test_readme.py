"""What README and docs tell a person to type, typed: every command that is not about installing, on a running Berth."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from tests.accuracy.measured import header
from tests.plugin.berth import ROOT, Berth
from tests.support import hub, hub_files
from tests.support.hollow import write

PAGES = {path: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
BLOCKS = [
    block for text in PAGES.values() for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
]
INSTALLING = ("make ", "python3 -m venv", ".venv/bin/pip")
ELSEWHERE = ("# PostgreSQL", "# While Berth is stopped")  # typed by test_backup.py


def scripts() -> list[str]:
    return [block for block in BLOCKS if not any(word in block for word in INSTALLING + ELSEWHERE)]


def installing() -> list[str]:
    """The lines that set up and start: not typed as they are, since they would do it all again."""
    blocks = [block for block in BLOCKS if any(word in block for word in INSTALLING)]
    return [line for block in blocks for line in block.splitlines() if line.partition("#")[0].strip()]


def test_there_is_an_example_for_each_door() -> None:
    text = "\n".join(scripts())
    for door in ("api/v1/recommendations/", "api/v1/launches/", "manage.py advise", "manage.py estimate"):
        assert door in text


def test_every_module_and_command_that_is_named_is_there() -> None:
    """In the blocks too that are not typed here, since they install something."""
    text = "\n".join(BLOCKS)
    modules, commands = set(re.findall(r"python3? -m (\S+)", text)), set(re.findall(r"manage\.py (\w+)", text))
    assert {"venv", "pytest"} <= modules
    assert [name for name in modules if find_spec(name) is None] == []
    assert commands - get_commands().keys() == set()


def spans() -> list[str]:
    """What stands between backticks in the prose."""
    prose = [re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL) for text in PAGES.values()]
    return [span for text in prose for span in re.findall(r"`([^`\n]+)`", text)]


def test_every_command_that_the_prose_names_is_there_with_its_options() -> None:
    seen = Counter(span.split()[0] for span in spans())
    assert min(seen[word] for word in ("manage.py", "make", "python", "docker")) > 0
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for span in spans():
        words = span.split()
        if words[0] == "manage.py":
            known = load_command_class(get_commands()[words[1]], words[1]).create_parser("manage.py", words[1])
            options = {option for action in known._actions for option in action.option_strings}
            assert [word for word in words if word.startswith("--") and word not in options] == [], span
        elif words[0] == "make":
            assert words[1] in targets, span
        elif words[0] == "python" and words[1] != "-m":
            assert (ROOT / words[1]).is_file(), span
        elif words[0] == "docker":
            assert words[-1] in services, span


@pytest.mark.parametrize("number", range(len(scripts())))
def test_an_example_works(berth: Berth, tmp_path: Path, number: int) -> None:
    script = scripts()[number].replace("http://127.0.0.1:8000", berth.base_url)
    script = script.replace(".venv/bin/python", shlex.quote(sys.executable))
    if "path/to/model.gguf" in script:
        head = header("llama-3.1-8b", "q4_k_m")
        file = write(tmp_path / "model.gguf", head.kv, head.tensors, head.n_vocab)
        script = script.replace("path/to/model.gguf", str(file))
    script = script.replace("path/to/board.csv", str(ROOT / "tests" / "catalog" / "data" / "livebench.csv"))
    script = script.replace("berth-catalog.bundle", str(tmp_path / "berth-catalog.bundle"))
    script = script.replace("curl ", "curl -sS --fail-with-body ")
    script = script.replace("berth-backup.sqlite3", str(tmp_path / "copy.sqlite3"))
    script = script.replace("var/secret_key berth-secret-key", f"{berth.data}/secret_key {tmp_path}/key")
    script = script.replace("createsuperuser", "createsuperuser --noinput --username doc --email doc@example.org")
    with hub.running(hub.Hub()) as served:
        hub_files.publish(served, tmp_path, name="Qwen/Qwen3-0.6B")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT,
            env=berth.environment | {"HF_ENDPOINT": served.url, "DJANGO_SUPERUSER_PASSWORD": "a long enough one"},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


# What a line that installs is tried as: nothing is made, fetched or run twice.
TRIED = (
    (r"^make ", "make -n "),
    (r"^python3 -m venv ", "{python} -m venv --without-pip {folder}/"),
    (r"^\.venv/bin/pip install ", "{python} -m pip install --quiet --dry-run --no-index "),
    (r"\.venv/bin/python -m pytest", "{python} -m pytest --collect-only --quiet tests/hardware/test_ledger.py"),
)


@pytest.mark.parametrize("line", [line for line in installing() if "runall" not in line])
def test_a_line_that_installs_is_right(tmp_path: Path, line: str) -> None:
    tried = line
    for pattern, words in TRIED:
        tried = re.sub(pattern, words.format(python=shlex.quote(sys.executable), folder=tmp_path), tried)
    assert tried != line, "Say in TRIED how to try it."
    done = subprocess.run(["bash", "-euc", tried], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


class Runall(Berth):
    words = ("manage.py", "runall")


def test_the_line_that_runs_it_all_does(tmp_path: Path) -> None:
    assert [line for line in installing() if "runall" in line] == [".venv/bin/python manage.py runall"]
    berth = Runall(tmp_path, nothing=True).wait_until_ready()
    try:
        assert berth.status("/readyz") == 200
    finally:
        assert berth.stop() == 0


@pytest.mark.parametrize("path", PAGES)
def test_every_file_that_a_page_links_is_there(path: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", PAGES[path])
    assert [link for link in links if not (path.parent / link).exists()] == []
