from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.plugin.berth import ROOT

BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS = [name for name, service in COMPOSE.items() if service["image"] == "berth"]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_compose_file_follows_the_compose_specification() -> None:
    done = run(
        str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(ROOT / "docker-compose.yml")
    )
    assert done.returncode == 0, done.stdout


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = run(str(BIN / "hadolint"), "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_only_the_page_is_published_and_only_on_loopback() -> None:
    published = [port for service in COMPOSE.values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:${PORT:-8000}:8000"]


@pytest.mark.parametrize("service", OURS)
def test_each_of_our_containers_reaps_children_and_gains_no_privileges(service: str) -> None:
    assert COMPOSE[service]["init"] is True
    assert COMPOSE[service]["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in COMPOSE[service]["security_opt"]


@pytest.mark.parametrize("service", sorted(set(COMPOSE) - {"prepare"}))
def test_each_lasting_service_has_a_health_check(service: str) -> None:
    assert COMPOSE[service]["healthcheck"]["test"]


def test_the_worker_reserves_the_gpus_with_the_nvml_capability() -> None:
    (gpus,) = COMPOSE["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert gpus["driver"] == "nvidia"
    assert "utility" in gpus["capabilities"]


def test_no_password_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert set(re.findall(r"\$\{(?:POSTGRES|VALKEY)_PASSWORD([^}]*)\}", text)) == {":?set it in .env"}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-model.txt"])
def test_every_requirement_is_pinned_with_a_hash_and_names_no_registry(name: str) -> None:
    text = (ROOT / name).read_text()
    for block in re.split(r"\n(?=[A-Za-z])", text.strip()):
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+", block), block
        assert "--hash=sha256:" in block, block
    assert "://" not in text
