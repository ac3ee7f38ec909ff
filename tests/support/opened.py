"""Opens header-only files of derived layouts in the installed engine, to check that it finds every tensor it needs.

`python -m tests.support.opened` is the child: JSON `[[path, settings], ...]` in, a list out with, for each file, a plan
as `wheel_dry_run.plan` gives it or a sentence. Starting a process for each file would take most of the time, so the
child loads the engine once and forks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from advisor.engines.llama_cpp import wheel_dry_run, wheel_library
from advisor.fit.build import Header
from advisor.fit.engines.llama_cpp.settings import Settings
from tests.support import hollow

SECONDS = 60.0  # for all files together
ROOM = Path(__file__).resolve().parents[2]
# Keys that loaders require and that affect no buffer; an architecture ignores those it does not know.
QUIET: dict[str, Any] = {
    "attention.layer_norm_rms_epsilon": 1e-6,
    "attention.layer_norm_epsilon": 1e-6,
    "expert_gating_func": 2,
    "expert_weights_scale": 1.0,
    "logit_scale": 1.0,
    "kda.gate_lower_bound": -5.0,
    "rope.dimension_sections": [11, 11, 10, 0],
    "rope.freq_base_swa": 10_000.0,
    "embedding_length_per_layer_input": 0,
}
# not prefixed with the architecture's name
XIELU = {f"xielu.{name}": 1.0 for name in ("alpha_n", "alpha_p", "beta", "eps")}


def write(path: Path, header: Header) -> Path:
    """A hollow file of the header; its vocabulary is a count without tokens, which costs no time."""
    arch = header.kv["general.architecture"]
    kinds = next((t.shape[-1] if len(t.shape) > 1 else 1 for t in header.tensors if t.name == "token_types.weight"), 0)
    kv = {
        **{f"{arch}.{key}": value for key, value in QUIET.items()},
        **XIELU,
        **header.kv,
        "tokenizer.ggml.model": "no_vocab",
        "tokenizer.ggml.token_type_count": kinds,
    }
    data, length = hollow.header(kv, header.tensors)
    with path.open("wb") as file:
        file.write(data)
        file.truncate(len(data) + length)
    return path


def ask(files: Sequence[tuple[Path, Settings]]) -> list[dict[str, dict[str, int]] | str]:
    """For each file the engine's plan, bytes by buffer and part, or one sentence on why it was not opened."""
    request = json.dumps([(str(path), settings._asdict()) for path, settings in files])
    command = [sys.executable, "-m", "tests.support.opened"]
    done = subprocess.run(command, cwd=ROOM, input=request, capture_output=True, text=True, check=True, timeout=SECONDS)
    return json.loads(done.stdout)


def answer(path: str, settings: dict[str, Any]) -> bytes:
    """The JSON answer for one file, computed in a fork so that a header that crashes the engine ends nothing else."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(2, 1)
        try:
            said: Any = wheel_dry_run.plan(path, settings)
        except wheel_library.LibraryRefused as refused:
            said = str(refused)
        os.write(writer, json.dumps(said).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return said or json.dumps(f"The engine crashed (status {status}).").encode()


def main() -> None:
    files = json.load(sys.stdin)
    wheel_library.load_library(wheel_library.find_library())
    print(json.dumps([json.loads(answer(path, settings)) for path, settings in files]))


if __name__ == "__main__":
    main()
