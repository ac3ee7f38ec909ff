"""The arrows between the rooms, held twice: by import-linter on the source, and by really importing the pure part."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.plugin.berth import ROOT

IMPORT_ALL = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"django", "celery", "kombu", "rest_framework", "psutil", "pynvml"}:
            raise ImportError(f"{name} is not for this room")

sys.meta_path.insert(0, Blocked())
package = importlib.import_module(sys.argv[1])
modules = list(pkgutil.walk_packages(package.__path__, package.__name__ + ".", onerror=sys.exit))
for module in modules:
    importlib.import_module(module.name)
print(1 + len(modules))
"""


def test_the_import_contracts_hold() -> None:
    # In a process of its own: it configures logging anew, and turns off the loggers of the tests that follow.
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", ["advisor.fit", "advisor.engines.llama_cpp"])
def test_the_pure_rooms_import_without_django_celery_psutil_and_nvml(package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, package], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(list((ROOT / package.replace(".", "/")).rglob("*.py")))
