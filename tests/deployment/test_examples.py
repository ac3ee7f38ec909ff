"""The files under examples/, run: against a live Berth, with real launches."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.plugin.berth import ROOT, Berth
from tests.support import examples

EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def token(berth: Berth) -> str:
    return berth.token()


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def test_every_example_is_listed() -> None:
    files = {str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*") if path.is_file()} - {"README.md"}
    assert set(re.findall(r"^\| `(.+?)`", (EXAMPLES / "README.md").read_text(), re.MULTILINE)) == files


def test_the_shell_script_prints_the_command_of_the_best_answer(berth: Berth) -> None:
    done = run(EXAMPLES / "ask.sh", "coding", "32768", BERTH=berth.base_url, HARDWARE="2x RTX 3090, 64 GB RAM")
    assert done.returncode == 0, done.stderr
    said, command = done.stdout.splitlines()
    assert re.fullmatch(r"# .+ decision [0-9a-f]{64}", said)
    assert command.startswith("llama-server -hf ")
    assert " -c 32768 " in command
    refused = run(EXAMPLES / "ask.sh", "coding", BERTH=berth.base_url, HARDWARE="Foo 9000")
    assert refused.returncode != 0
    assert "Foo 9000" in refused.stdout + refused.stderr


def test_the_python_script_pins_a_decision_and_notices_another(berth: Berth) -> None:
    words = (sys.executable, EXAMPLES / "pinned.py", "--gpu", "RTX 4090", "--ram-gb", "64", "--use-case", "coding")
    first = run(*words, BERTH=berth.base_url)
    assert first.returncode == 0, first.stderr
    plan: dict[str, Any] = json.loads(first.stdout)
    assert plan["command"][0] == "llama-server"
    assert run(*words, "--expect", plan["decision"], BERTH=berth.base_url).stdout == first.stdout
    assert run(*words, "--expect", "0" * 64, BERTH=berth.base_url).returncode == 3
    wrong = run(*words, "--context", "7", BERTH=berth.base_url)
    assert wrong.returncode == 1
    assert "workload.context" in wrong.stderr


def test_the_terraform_data_source_is_answered_and_its_outputs_are_there(berth: Berth, token: str) -> None:
    outputs = examples.plan(EXAMPLES / "terraform" / "main.tf", {"berth_url": berth.base_url, "berth_token": token})
    assert "/" in outputs["model"]
    assert outputs["command"][0] == "llama-server"
    assert re.fullmatch("[0-9a-f]{64}", outputs["decision"])


def test_the_ansible_tasks_launch_what_they_were_advised_and_once_only(berth: Berth, token: str) -> None:
    facts = {"berth_url": berth.base_url, "berth_token": token, "inventory_hostname": "gpu1"}
    first = examples.play(EXAMPLES / "ansible" / "tasks.yml", facts)
    assert first["launch"]["status"] == 201
    assert first["running"]["json"]["endpoint"]
    advised = first["decision"]["json"]["results"][0]
    assert first["running"]["json"]["build"] == advised["build"]["id"]
    berth.manage("shell", "-v", "0", "-c", "from hardware.snapshots import refresh; refresh()")
    second = examples.play(EXAMPLES / "ansible" / "tasks.yml", facts)
    assert second["decision"]["json"]["decision"] != first["decision"]["json"]["decision"]
    assert (second["launch"]["status"], second["launch"]["json"]["id"]) == (200, first["launch"]["json"]["id"])
    log = berth.log.read_text()
    for step in ("queued on local for token:", "queued -> starting", "starting -> ready"):  # by web server and worker
        assert re.search(rf"\[launch {first['launch']['json']['id']}\] smollm2-135m-instruct: {step}", log), step
    stop(berth, token, first["launch"]["json"]["id"])


def test_the_first_boot_of_cloud_init_asks_launches_and_says_where_it_serves(
    berth: Berth, token: str, tmp_path: Path
) -> None:
    text = (EXAMPLES / "cloud-init.yaml").read_text()
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    moved = {}
    for file in config["write_files"]:
        moved[file["path"]] = tmp_path / Path(file["path"]).name
        content = file["content"].replace("http://127.0.0.1:8000", berth.base_url).replace("brt_key_secret", token)
        (tmp_path / "machine-id").write_text("0" * 32)
        moved[file["path"]].write_text(content.replace("/etc/machine-id", str(tmp_path / "machine-id")))
        moved[file["path"]].chmod(int(file["permissions"], 8))
    moved["/run/berth-endpoint"] = tmp_path / "endpoint"
    ((*shell, script),) = config["runcmd"]
    for path, place in moved.items():
        assert path in script
        script = script.replace(path, str(place))
    done = run(*shell, script)
    assert done.returncode == 0, done.stderr
    endpoint = (tmp_path / "endpoint").read_text().strip()
    status, models = examples.send("GET", f"{endpoint}/models", {}, None)
    assert (status, models["data"][0]["id"]) == (200, "smollm2-135m-instruct")


def stop(berth: Berth, token: str, launch: str) -> None:
    url = f"{berth.base_url}/api/v1/launches/{launch}/"
    assert examples.send("DELETE", url, {"Authorization": f"Bearer {token}"}, None)[0] == 202
