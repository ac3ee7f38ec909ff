"""A provisioning script's job over REST on a running Berth: ask, launch by decision, chat, compare, stop."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.plugin.berth import Berth
from tests.support.rest_client import Client

pytestmark = pytest.mark.postgres
MODEL = "smollm2-135m-instruct"


@pytest.fixture(scope="module")
def client(berth: Berth) -> Client:
    return Client(berth, berth.token())


def chat(launch: dict[str, Any]) -> str:
    body = {"model": launch["alias"], "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 24}
    request = urllib.request.Request(
        f"{launch['endpoint']}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])


def test_ask_launch_what_was_advised_chat_compare_and_stop(client: Client) -> None:
    status, decision = client.send("POST", "recommendations/", {"on_disk": True, "workload": {"context": 4096}})
    assert status == 200
    advised = decision["results"][0]
    assert advised["model"]["slug"] == MODEL

    wish = {"host": "local", "decision": decision["decision"], "rank": 1}
    status, queued = client.send("POST", "launches/", wish, **{"Idempotency-Key": "once"})
    assert (status, queued["status"]) == (201, "queued")
    status, again = client.send("POST", "launches/", wish, **{"Idempotency-Key": "once"})
    assert (status, again["id"]) == (200, queued["id"])
    assert queued["reservations"][0]["bytes"] >= advised["memory"]["host"]["total"]

    ready = client.until(queued["id"], "ready", "failed")
    assert ready["status"] == "ready", ready["message"]
    assert advised["settings"].items() <= ready["settings"].items()
    flags = dict(zip(ready["command"], ready["command"][1:], strict=False))
    assert (flags["-c"], flags["-np"], flags["-ngl"], flags["--fit"]) == ("4096", "1", "0", "off")
    assert chat(ready).strip()

    predicted, measured = ready["predicted"], ready["measured"]
    assert abs(predicted["total_bytes"] / measured["total_bytes"] - 1) < 0.10, (predicted, measured)
    assert measured["decode_tokens_per_second"] > 1
    assert [event["to"] for event in ready["events"]] == ["starting", "ready"]

    assert client.send("DELETE", f"launches/{ready['id']}/")[0] == 202
    stopped = client.until(ready["id"], "stopped")
    assert (stopped["endpoint"], stopped["reservations"]) == (None, [])
    with pytest.raises(
        (urllib.error.URLError, ConnectionError)
    ):  # refused, or reset where another test has the port by now
        chat(ready)


@pytest.mark.parametrize(
    ("parts", "status", "said"),
    [
        ([b'{"hardware": {"text": ', b'"RTX 4090"}, "limit": 1}'], 200, "NVIDIA GeForce RTX 4090"),
        ([b'{"hardware": {"text": "Foo 9000"}}'], 422, "Foo 9000"),
        ([b" " * 500_000] * 5, 413, "2,000,000 bytes"),
    ],
)
def test_a_body_that_comes_in_chunks_is_read(berth: Berth, parts: list[bytes], status: int, said: str) -> None:
    link = http.client.HTTPConnection("127.0.0.1", berth.port, timeout=30)
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    link.request("POST", "/api/v1/recommendations/", iter(parts), headers, encode_chunked=True)
    answer = link.getresponse()
    assert (answer.status, said in answer.read().decode()) == (status, True)
    link.close()


def test_launching_takes_a_token_with_that_scope(berth: Berth) -> None:
    wish = {"host": "local", "model": MODEL}
    assert Client(berth).send("POST", "launches/", wish)[0] == 401
    assert Client(berth, "brt_unknown_secret").send("POST", "launches/", wish)[0] == 401
    assert Client(berth, berth.token("read,recommend")).send("POST", "launches/", wish)[0] == 403
    assert Client(berth).send("GET", "launches/")[0] == 200


def test_what_does_not_fit_is_409_with_its_verdict(client: Client) -> None:
    status, problem = client.send("POST", "launches/", {"host": "local", "model": "deepseek-v3"})
    assert (status, problem["status"]) == (409, 409)
    assert problem["verdict"]["reason"] in ("host_memory", "gpu_memory")
    assert problem["verdict"]["needed_bytes"] > problem["verdict"]["available_bytes"]
    assert problem["verdict"]["fixes"]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"host": "local"}, "model"),
        ({"host": "local", "model": "no-such-model"}, "model"),
        ({"host": "nowhere", "model": MODEL}, "host"),
        ({"host": "local", "model": MODEL, "colour": "red"}, "colour"),
        ({"host": "local", "model": MODEL, "workload": {"context": "long"}}, "workload.context"),
        ({"host": "local", "decision": "0" * 64, "rank": 1}, "decision"),
        ({"host": "local", "build": f"{MODEL}:Q4_1", "engine": "vllm", "settings": {"context": 4096}}, "engine"),
    ],
)
def test_a_wrong_wish_is_one_problem_that_names_the_field(client: Client, wish: dict[str, Any], field: str) -> None:
    status, problem = client.send("POST", "launches/", wish)
    assert status in (400, 404, 422)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["detail"]
