"""The engine of the xllamacpp wheel with the real SmolLM2 model: start, chat, prediction beside measurement, stop."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

from django.conf import LazySettings

from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.launch import process
from advisor.launch.document import launch_document
from advisor.launch.queue import enqueue
from advisor.launch.transitions import stop_launch
from advisor.selectors.hosts import LaunchPlace
from tests.support.launches import smollm2, until, who


def chat(port: int, alias: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = {"model": alias, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 24, "temperature": 0}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    answer = json.load(connection.getresponse())
    connection.close()
    return str(answer["choices"][0]["message"]["content"])


def test_smollm2_runs_answers_is_measured_and_leaves_no_process(home: Path, settings: LazySettings) -> None:
    settings.LLAMA_SERVER = ""
    plan = smollm2(Settings(context=4096, flash_attention=True, kv_type_k="q8_0", kv_type_v="q8_0"))
    launch, _ = enqueue(plan, LaunchPlace("local", None, ()))
    until(launch, "ready", seconds=30)
    document = launch_document(launch)
    assert document["predicted"]["program"] == "xllamacpp"
    assert chat(launch.port or 0, launch.alias).strip()

    predicted, measured = document["predicted"], document["measured"]
    assert abs(predicted["total_bytes"] / measured["total_bytes"] - 1) < 0.10, (predicted, measured)
    for what, size in measured["host"]["buffers"].items():
        assert abs(predicted["host"][what] - size) <= 0.01 * size + 20_000, what
    assert measured["decode_tokens_per_second"] > 1

    group = process.tree(who(launch))
    stop_launch(launch.pk)
    until(launch, "stopped")
    assert not any(one.is_running() and one.status() != "zombie" for one in group)
    assert str(launch.pk) not in process.marked()
