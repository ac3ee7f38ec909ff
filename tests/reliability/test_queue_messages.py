"""Whatever somebody puts into the queue, the worker lives and does its work."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from redis import Redis

from tests.plugin.berth import Berth

QUEUE = "host.local"
BODY = base64.b64encode(json.dumps([[], {}, {"callbacks": None}]).encode()).decode()


def good(**changed: Any) -> dict[str, Any]:
    tag = str(uuid.uuid4())
    message = {
        "body": BODY,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": "advisor.tasks.reconcile", "id": tag, "argsrepr": "()", "kwargsrepr": "{}"},
        "properties": {
            "correlation_id": tag,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": tag,
        },
    }
    return message | changed


def without(name: str) -> dict[str, Any]:
    message = good()
    message["properties"] = {key: value for key, value in message["properties"].items() if key != name}
    return message


MESSAGES: dict[str, bytes | str | dict[str, Any] | list[Any]] = {
    "no JSON": "{",
    "no UTF-8": b"\xff\xfe",
    "empty": "",
    "null": "null",
    "a list": [],
    "a number": "1",
    "nested without end": "[" * 200_000,
    "an empty object": {},
    "no properties": good(properties=None),
    "no delivery tag": without("delivery_tag"),
    "no delivery info": without("delivery_info"),
    "headers that are none": good(headers=None),
    "headers that are a list": good(headers=[1]),
    "no task": good(headers={"id": "1"}),
    "a task that is no text": good(headers={"task": {}, "id": "1"}),
    "an unknown task": good(headers={"task": "os.system", "id": "1"}),
    "an id that is a list": good(headers={"task": "advisor.tasks.reconcile", "id": []}),
    "a body that is no base64": good(body="*"),
    "a body that is no JSON": good(body=base64.b64encode(b"{").decode()),
    "a body of another shape": good(body=base64.b64encode(b"7").decode()),
    "pickle": good(**{"content-type": "application/x-python-serialize", "content-encoding": "binary"}),
    "an encoding that nobody knows": good(**{"content-encoding": "klingon"}),
    "a time that is none": good(headers={"task": "advisor.tasks.reconcile", "id": "1", "eta": "soon"}),
    "an expiry that is none": good(headers={"task": "advisor.tasks.reconcile", "id": "1", "expires": {}}),
    "arguments that are too many": good(body=base64.b64encode(b"[[1, 2], {}, {}]").decode()),
}


def workers(berth: Berth) -> set[int]:
    found = (psutil.Process(pid) for pid in berth.processes())
    return {one.pid for one in found if "--with-beat" in one.cmdline() and one.ppid() == berth.process.pid}


def until(true: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)
    return true()


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_message_that_nobody_can_read_costs_itself(berth: Berth, kind: str) -> None:
    """The next message in the queue is handled by the same process."""
    before, message = workers(berth), MESSAGES[kind]
    assert len(before) == 1
    with Redis.from_url((berth.data / "broker.url").read_text()) as broker:
        for _ in range(2):
            broker.lpush(QUEUE, json.dumps(message) if isinstance(message, dict | list) else message)
        broker.lpush(QUEUE, json.dumps(good()))
        assert until(lambda: broker.llen(QUEUE) == 0 and broker.hlen("unacked") == 0)
    assert workers(berth) == before
