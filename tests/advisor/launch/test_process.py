from __future__ import annotations

import dataclasses
import os
import signal
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest

from advisor.launch import engine_health, process
from hardware.clock import uptime
from hardware.processes import stat
from tests.advisor.launch.conftest import Spawn, eventually


def test_a_child_leads_its_own_session_and_is_found_by_its_marker(spawn: Spawn, marker: str) -> None:
    who = spawn("import time; time.sleep(60)")
    assert process.alive(who)
    assert os.getsid(who.pid) == who.pid
    assert eventually(lambda: process.marked().get(marker) == [who])


def test_a_zombie_is_dead(spawn: Spawn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "reap", lambda: None)
    who = spawn("pass")
    assert eventually(lambda: (stat(who.pid) or "?")[0] == "Z")
    assert psutil.pid_exists(who.pid)
    assert not process.alive(who)


def test_an_ended_child_does_not_stay_a_zombie(spawn: Spawn, tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children()}
    who = spawn("print('bye')")
    assert eventually(lambda: not process.alive(who))
    assert eventually(lambda: not process.reap() and {c.pid for c in psutil.Process().children()} <= before)


@pytest.mark.parametrize("changed", [{"start_ticks": 1}, {"boot_id": "another boot"}])
def test_a_pid_that_was_used_again_is_never_signalled(spawn: Spawn, changed: dict[str, object]) -> None:
    who = spawn("import time; time.sleep(60)")
    other = dataclasses.replace(who, **changed)  # type: ignore[arg-type]
    assert not process.alive(other)
    process.terminate([other], signal.SIGKILL)
    process.stop_processes({"no such marker": other}, grace=0)
    time.sleep(0.05)
    assert process.alive(who)


def test_stopping_several_shares_one_grace(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    words, groups = [sys.executable, "-S", "-c", deaf], {}
    for number in range(3):
        name, log = str(uuid.uuid4()), tmp_path / f"{number}.log"
        groups[name] = process.spawn(words, marker=name, env={}, log=log, cwd=tmp_path)
        assert eventually(lambda log=log: "deaf" in engine_health.file_tail(log))
    begun = uptime()
    assert process.stop_processes(groups, grace=1.5) == set()
    assert 1.5 <= uptime() - begun < 4.5
    assert not any(process.alive(who) for who in groups.values())


def test_a_grandchild_in_a_session_of_its_own_goes_too(spawn: Spawn, marker: str) -> None:
    who = spawn("import os, time\nif not os.fork(): os.setsid()\ntime.sleep(60)")
    assert eventually(lambda: len(process.marked().get(marker, [])) == 2)
    assert process.stop_processes({marker: who}, grace=1) == set()
    assert marker not in process.marked()


def test_memory_of_the_whole_tree_is_counted(spawn: Spawn) -> None:
    child = "x = bytearray(30_000_000); import time; time.sleep(60)"
    who = spawn(f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {child!r}])")
    assert eventually(lambda: (process.held_bytes(who) or 0) > 30_000_000)
    assert (process.held_bytes(who) or 0) < 60_000_000
    process.terminate([who], signal.SIGKILL)
    assert eventually(lambda: process.held_bytes(who) is None)


def test_what_a_process_takes_is_no_page_of_a_file_that_it_has_mapped(spawn: Spawn, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(40 << 20))
    who = spawn(
        "import mmap, os, time; own = bytearray(b'x') * (30 << 20)\n"
        f"file = mmap.mmap(os.open({str(tmp_path / 'file')!r}, os.O_RDONLY), 0, prot=mmap.PROT_READ)\n"
        "sum(file[::4096]); print('all touched', flush=True); time.sleep(60)"
    )
    assert eventually(lambda: "all touched" in engine_health.file_tail(tmp_path / "logs" / "a.log"))
    assert 30 << 20 <= process.taken_bytes(who) < 45 << 20
    assert (process.held_bytes(who) or 0) > 70 << 20


def test_a_hundred_starts_leave_no_descriptor_and_no_zombie(tmp_path: Path) -> None:
    me = psutil.Process()
    descriptors, children = me.num_fds(), len(me.children())
    for number in range(100):
        who = process.spawn(["/bin/true"], marker="m", env={}, log=tmp_path / f"{number}.log", cwd=tmp_path)
        assert eventually(lambda who=who: not process.alive(who))
    assert eventually(lambda: not process.reap() and len(me.children()) <= children)
    assert me.num_fds() == descriptors


def test_free_ports_differ_while_they_are_held() -> None:
    assert len({process.free_port() for _ in range(50)}) > 25


def test_at_least_one_core_is_left_to_the_machine() -> None:
    assert 1 <= process.threads() <= max(1, (os.cpu_count() or 2) - 1)
