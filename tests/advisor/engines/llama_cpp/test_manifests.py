from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from advisor.engines.llama_cpp import manifests
from advisor.launch.document import launch_document
from tests.support.launches import Enqueue, until


@pytest.fixture
def launched(fake: Callable[..., None], enqueue: Enqueue) -> dict[str, Any]:
    return launch_document(until(enqueue(), "ready"))


def test_the_command_line_is_the_one_that_runs(launched: dict[str, Any]) -> None:
    assert shlex.split(manifests.MANIFESTS["argv"](launched)) == launched["command"]


@pytest.mark.parametrize("kind", list(manifests.MANIFESTS))
def test_before_the_first_start_no_kind_invents_a_command(kind: str, launched: dict[str, Any]) -> None:
    assert manifests.MANIFESTS[kind]({**launched, "command": []}).startswith("# ")


def test_compose_and_kubernetes_are_yaml_with_the_plans_flags(launched: dict[str, Any]) -> None:
    service = yaml.safe_load(manifests.MANIFESTS["compose"](launched))["services"]["tiny"]
    words = service["command"]
    assert words[:2] == ["--model", "/models/tiny.gguf"]
    assert words[words.index("-c") + 1] == "4096"
    assert words[words.index("--port") + 1] == "8080"
    assert "-t" not in words
    assert "deploy" not in service
    assert service["ports"] == ["127.0.0.1:8080:8080"]
    deployment, kube_service = yaml.safe_load_all(manifests.MANIFESTS["kubernetes"](launched))
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == words
    assert (
        int(container["resources"]["limits"]["memory"].removesuffix("Mi")) << 20
        >= launched["predicted"]["host"]["total"]
    )
    assert kube_service["spec"]["ports"] == [{"port": 8080}]


def test_gpus_are_reserved_where_the_plan_has_some(launched: dict[str, Any]) -> None:
    gpus = {**launched, "predicted": {**launched["predicted"], "devices": {"GPU-1": {"total": 1}}}}
    service = yaml.safe_load(manifests.MANIFESTS["compose"](gpus))["services"]["tiny"]
    assert service["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"] == ["GPU-1"]
    assert service["image"].endswith("-cuda")
    assert "CUDA_VISIBLE_DEVICES=GPU-1\n" in manifests.MANIFESTS["systemd"](gpus)
    assert "nvidia.com/gpu: 1" in manifests.MANIFESTS["kubernetes"](gpus)


def test_the_unit_quotes_what_systemd_would_read_otherwise(launched: dict[str, Any]) -> None:
    odd = "/models/100% $HOME/a.gguf"
    command = list(launched["command"])
    command[command.index("--model") + 1] = odd
    line = next(
        x for x in manifests.MANIFESTS["systemd"]({**launched, "command": command}).splitlines() if "ExecStart" in x
    )
    assert json.dumps(odd).replace("%", "%%").replace("$", "$$") in line
