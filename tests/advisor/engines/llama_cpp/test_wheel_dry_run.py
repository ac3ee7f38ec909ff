from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from advisor.engines import dry_run
from advisor.engines.registry import adapters, dry_run_command
from advisor.fit.engines.llama_cpp.settings import Settings

COMMAND = dry_run_command(adapters()["llama.cpp"])


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
