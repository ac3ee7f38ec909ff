"""A library that is not the one we know."""

from __future__ import annotations

import _ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.engines import dry_run
from advisor.engines.llama_cpp import wheel_library

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
