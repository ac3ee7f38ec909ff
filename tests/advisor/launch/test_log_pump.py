from __future__ import annotations

from pathlib import Path

from advisor.launch import engine_health, process
from tests.advisor.launch.conftest import Spawn, eventually


def test_the_log_stays_below_its_cap_and_ends_with_the_last_words(spawn: Spawn, tmp_path: Path) -> None:
    who = spawn("import sys\nfor n in range(200_000): print(n, 'x' * 40)\nprint('the end')", log_cap=1 << 20)
    log = tmp_path / "logs" / "a.log"
    assert eventually(lambda: not process.alive(who) and engine_health.file_tail(log).endswith("the end\n"), 20)
    assert engine_health.log_bytes(log) <= 1 << 20
    assert sorted(p.name for p in log.parent.iterdir()) == ["a.log", "a.log.1"]


def test_a_log_that_cannot_be_written_does_not_block_the_engine(spawn: Spawn, marker: str, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").symlink_to("/dev/full")
    done = tmp_path / "done"
    spawn(f"for n in range(20_000): print('x' * 99)\nopen({str(done)!r}, 'w')")
    assert eventually(done.exists, 10)
