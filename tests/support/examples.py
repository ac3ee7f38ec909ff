"""Minimal interpreters for the Ansible and Terraform files under examples/, with just the features that these use."""

from __future__ import annotations

import json
import re
import textwrap
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml


def send(method: str, url: str, headers: dict[str, str], body: bytes | None) -> tuple[int, Any]:
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def at(value: Any, path: str) -> Any:
    """The value at a path such as `.results[0].model` in a JSON value."""
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        value = value[name] if name else value[int(index)]
    return value


def play(file: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Runs the `uri` tasks of a task file; returns the facts with the registered results.

    Raises AssertionError where Ansible would fail.
    """
    facts = dict(facts)

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        if not isinstance(value, str):
            return value
        return re.sub(r"{{ ([\w.]+) }}", lambda found: str(at(facts, f".{found[1]}")), value)

    for task in yaml.safe_load(file.read_text()):
        assert set(task) <= {"name", "ansible.builtin.uri", "register", "until", "retries", "delay"}
        wish = filled(task["ansible.builtin.uri"])
        body = json.dumps(wish["body"]).encode() if "body" in wish else None
        assert body is None or wish["body_format"] == "json"
        headers = wish["headers"] | ({"Content-Type": "application/json"} if body else {})
        for _ in range(10 * task.get("retries", 1)):
            status, answer = send(wish.get("method", "GET"), wish["url"], headers, body)
            expected = wish.get("status_code", 200)
            assert status in (expected if isinstance(expected, list) else [expected]), (task["name"], answer)
            facts[task["register"]] = {"status": status, "json": answer}
            if "until" not in task:
                break
            path, word = re.fullmatch(r"([\w.]+) == '(\w+)'", task["until"]).groups()  # type: ignore[union-attr]
            if at(facts, f".{path}") == word:
                break
            time.sleep(task["delay"] / 10)
        else:
            raise AssertionError((task["name"], facts[task["register"]]))
    return facts


def plan(file: Path, variables: dict[str, str]) -> dict[str, Any]:
    """The outputs of a Terraform file whose only data source is of the type `http`."""
    text = re.sub(r"\${var\.(\w+)}", lambda found: variables[found[1]], file.read_text())
    (source,) = re.findall(r'^data "http" "(\w+)" {$', text, re.MULTILINE)
    url, method = (re.search(rf'^  {name} += "(.*)"$', text, re.MULTILINE)[1] for name in ("url", "method"))  # type: ignore[index]
    block = re.search(r"request_headers = {\n(.*?)\n  }", text, re.DOTALL)[1]  # type: ignore[index]
    headers = dict(re.findall(r'([\w-]+) += "(.*)"', block))
    body = textwrap.dedent(re.search(r"request_body = <<-JSON\n(.*?)\n  JSON\n", text, re.DOTALL)[1])  # type: ignore[index]
    status, answer = send(method, url, headers, body.encode())
    assert (status, len(answer.get("results", ()))) == (200, 1), answer  # the postcondition
    outputs = re.findall(r'output "(\w+)" {\n  value = jsondecode\(data\.http\.(\w+)\.response_body\)(\S+)\n}', text)
    assert len(outputs) == text.count('output "')
    assert {name for _, name, _ in outputs} == {source}
    return {name: at(answer, path) for name, _, path in outputs}
