"""The probe over the makers."""

from __future__ import annotations

from pathlib import Path

from hardware import probe, probe_child
from tests.support.radeon import write_discrete, write_names


def test_the_probe_joins_the_makers_and_prints_its_schema(tmp_path: Path) -> None:
    write_discrete(write_names(tmp_path))
    data = probe.read_host(tmp_path)
    probe_child.check(data)
    assert [d["vendor"] for d in data["accelerators"]] == ["amd"]
