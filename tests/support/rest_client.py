"""A script that speaks to the REST API of a running Berth."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from tests.plugin.berth import Berth


class Client:
    def __init__(self, berth: Berth, token: str | None = None) -> None:
        self.base, self.token = f"{berth.base_url}/api/v1/", token

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        headers |= {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def until(self, launch: str, *statuses: str, seconds: float = 45) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            document: dict[str, Any] = self.send("GET", f"launches/{launch}/")[1]
            if document["status"] in statuses:
                return document
            time.sleep(0.1)
        raise AssertionError(document)
