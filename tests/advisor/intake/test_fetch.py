"""A file of the hub fetched through everything that can go wrong on the way."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from django.conf import LazySettings

from advisor.intake import fetch
from advisor.intake.fetch import Failed, Transfer
from tests.plugin.berth import ROOT
from tests.support.hub import COMMIT, Hub, Reply, broken, redirect, running, send, send_file, status

REPO, NAME = "acme/Tiny-GGUF", "tiny-q4_1.gguf"
KILLS = int(os.environ.get("FETCH_KILLS", "3"))


@pytest.fixture
def content(tmp_path: Path) -> Path:
    path = tmp_path / "published.gguf"
    path.write_bytes(b"GGUF" + random.Random(1).randbytes(3_000_000))
    return path


@pytest.fixture
def hub(content: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(fetch, "IDLE", 0.5)
    monkeypatch.setattr(fetch, "LONGEST_PAUSE", 0.01)
    with running(Hub()) as served:
        served.add(REPO, {NAME: content})
        settings.HF_ENDPOINT = served.url
        yield served


@pytest.fixture
def transfer(content: Path, tmp_path: Path) -> Transfer:
    digest = hashlib.sha256(content.read_bytes()).hexdigest()
    return Transfer(REPO, COMMIT, NAME, content.stat().st_size, digest, tmp_path / "models" / NAME)


def parts(transfer: Transfer) -> list[str]:
    return sorted(path.name for path in transfer.target.parent.iterdir())


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Every answer ends after 400 kB, whatever it has promised."""
    start = int(handler.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
    data = CONTENT["bytes"]
    handler.send_response(206 if start else 200)
    handler.send_header("Content-Length", str(len(data) - start))
    handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
    handler.end_headers()
    handler.wfile.write(data[start : start + 400_000])
    handler.wfile.flush()
    handler.close_connection = True


CONTENT: dict[str, bytes] = {}


def name_of(value: object) -> str:
    return getattr(value, "__name__", str(value))


def silence(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1)


def test_a_file_arrives_whole_and_no_part_stays(hub: Hub, transfer: Transfer, content: Path) -> None:
    transfer.run()
    assert transfer.target.read_bytes() == content.read_bytes()
    assert parts(transfer) == [NAME]
    asked = len(hub.asked)
    transfer.run()
    assert len(hub.asked) == asked  # it is here


def test_what_breaks_off_goes_on_where_it_was(hub: Hub, transfer: Transfer, content: Path) -> None:
    CONTENT["bytes"] = content.read_bytes()
    hub.instead["resolve"] = cut
    transfer.run()
    assert transfer.target.read_bytes() == content.read_bytes()
    starts = [int(headers.get("range", "bytes=0-")[6:].rstrip("-")) for _, headers in hub.asked]
    assert starts == sorted(set(starts))
    assert len(starts) == 8


def once(first: Reply, content: Path) -> Reply:
    said: list[bool] = []

    def reply(handler: BaseHTTPRequestHandler) -> None:
        said.append(True)
        if len(said) == 1:
            first(handler)
        else:
            send_file(handler, content)

    return reply


@pytest.mark.parametrize("first", [broken, status(500), status(503), status(429), status(416)], ids=name_of)
def test_a_bad_answer_is_asked_again(hub: Hub, transfer: Transfer, content: Path, first: Reply) -> None:
    hub.instead["resolve"] = once(first, content)
    transfer.run()
    assert transfer.target.read_bytes() == content.read_bytes()


def test_a_server_that_ignores_ranges_is_read_from_the_start(hub: Hub, transfer: Transfer, content: Path) -> None:
    transfer.part.parent.mkdir()
    transfer.part.write_bytes(b"other")
    hub.instead["resolve"] = lambda handler: send(handler, content.read_bytes())
    transfer.run()
    assert transfer.target.read_bytes() == content.read_bytes()


@pytest.mark.parametrize("lie", ["bytes 0-9/3000004", "bytes 5-9/17", "nonsense", ""])
def test_a_range_that_was_not_asked_for_is_not_written(hub: Hub, transfer: Transfer, content: Path, lie: str) -> None:
    transfer.part.parent.mkdir()
    transfer.part.write_bytes(content.read_bytes()[:5])
    lies = lambda handler: send(handler, b"x" * 5, 206, **{"Content-Range": lie})  # noqa: E731
    hub.instead["resolve"] = once(lies, content)
    transfer.run()
    assert transfer.target.read_bytes() == content.read_bytes()


def test_other_bytes_are_fetched_anew_once_and_then_refused(hub: Hub, transfer: Transfer, content: Path) -> None:
    wrong = b"GGUF" + bytes(content.stat().st_size - 4)
    hub.instead["resolve"] = once(lambda handler: send(handler, wrong), content)
    transfer.run()
    transfer.target.unlink()
    hub.instead["resolve"] = lambda handler: send(handler, wrong)
    with pytest.raises(Failed, match="checksum differs twice") as failed:
        transfer.run()
    assert failed.value.reason == "checksum"
    assert parts(transfer) == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (status(401), "gated"),
        (status(403), "gated"),
        (status(404), "missing"),
        (status(500), "offline"),
        (broken, "offline"),
        (redirect("http://169.254.169.254/latest"), "offline"),
        (redirect("http://10.0.0.1/x"), "offline"),
        (silence, "offline"),
    ],
    ids=name_of,
)
def test_what_does_not_come_is_one_word_and_one_sentence(
    hub: Hub, transfer: Transfer, reply: Reply, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "MOST_TRIES", 2)
    monkeypatch.setattr(fetch, "IDLE", 0.3)
    hub.instead["resolve"] = reply
    with pytest.raises(Failed) as failed:
        transfer.run()
    assert failed.value.reason == reason
    assert str(failed.value).endswith(".")


def test_room_is_looked_for_before_the_first_byte(transfer: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch.demand_room([transfer], 0)
    with pytest.raises(Failed, match="are free besides what is being fetched") as failed:
        fetch.demand_room([transfer], 1 << 60)
    assert failed.value.reason == "disk"


def test_kills_at_any_moment_lose_nothing(hub: Hub, transfer: Transfer, content: Path) -> None:
    """A process that is killed again and again ends with the right bytes, each time with more of them."""
    code = (
        "import sys, django; from pathlib import Path; django.setup(set_prefix=False); "
        "from advisor.intake.fetch import Transfer; a = sys.argv; "
        "Transfer(a[1], a[2], a[3], int(a[4]), a[5], Path(a[6])).run()"
    )
    words = [REPO, COMMIT, NAME, str(transfer.size), str(transfer.sha256), str(transfer.target)]
    environment = os.environ | {"HF_ENDPOINT": hub.url, "DJANGO_SETTINGS_MODULE": "config.settings"}

    def slow(handler: BaseHTTPRequestHandler) -> None:
        """A tenth of the file in a tenth of a second."""
        data, start = content.read_bytes(), int(handler.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(data) - start))
        handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.end_headers()
        try:
            for at in range(start, len(data), 30_000):
                handler.wfile.write(data[at : at + 30_000])
                time.sleep(0.01)
        except OSError:
            handler.close_connection = True

    hub.instead["resolve"] = slow
    dice = random.Random(3)
    sizes = [0]
    for _ in range(KILLS):
        child = subprocess.Popen([sys.executable, "-c", code, *words], cwd=ROOT, env=environment)
        begun, before = time.monotonic(), sizes[-1]
        wait = dice.uniform(0, 0.1)
        while child.poll() is None and time.monotonic() - begun < 10:
            here = transfer.part.stat().st_size if transfer.part.exists() else 0
            if here > before:
                time.sleep(wait)
                break
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        child.wait()
        sizes.append(transfer.part.stat().st_size if transfer.part.exists() else transfer.size)
    assert sizes == sorted(sizes)
    assert subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, env=environment, check=False).returncode == 0
    assert hashlib.sha256(transfer.target.read_bytes()).hexdigest() == transfer.sha256
    assert parts(transfer) == [NAME]
