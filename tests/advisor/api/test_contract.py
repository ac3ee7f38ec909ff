"""What a provisioning script may rely on: per class of hardware a pinned question on a pinned catalog, and its answer.

Each file of `contract/` holds the request, the answer, and the machine where the request names a host: there the real
nvidia-ml-py reads the stand-in driver, and the reading is sent as a snapshot. `make contract` writes the answers anew.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from advisor.api import tokens
from catalog import importer
from hardware import probe_child
from hardware.models import Host
from tests.support import pinned

pytestmark = pytest.mark.django_db
FILES = sorted(pinned.PINNED.parent.glob("*.json"))
CLASSES = {"nvidia-desktop", "data-centre", "mig", "dgx-spark", "strix-halo", "apple", "intel", "cpu"}
PROBE = """
import json, pathlib, sys
from hardware import probe
json.dump(probe.read_host(pathlib.Path(sys.argv[1])), sys.stdout)
"""


@pytest.fixture(scope="module")
def pinned_catalog(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        importer.load(pinned.unpack(tmp_path_factory.mktemp("catalog")))
        yield
        transaction.set_rollback(True)


def send(url: str, body: Any, status: int, **headers: str) -> Any:
    answer = Client(SERVER_NAME="localhost").post(url, body, content_type="application/json", headers=headers)
    assert answer.status_code == status, answer.content
    return answer.json()


def read(machine: dict[str, Any], driver: Callable[..., None], root: Path) -> None:
    """The machine as its agent reports it: cards by its driver, memory by /proc, and the cores that it says."""
    kib = {"MemTotal": machine["ram_bytes"] >> 10, "MemAvailable": machine["ram_available_bytes"] >> 10}
    (root / "proc").mkdir()
    (root / "proc/meminfo").write_text("".join(f"{name}: {value} kB\n" for name, value in kib.items()))
    driver(**machine["driver"])
    reading = probe_child.run((sys.executable, "-c", PROBE, str(root)), timeout_seconds=30)
    reading["memory"]["cpu_cores"] = machine["cpu_cores"]  # else those of whoever runs this test
    host = Host.objects.create(id="rig", name="rig", queue="host.rig")
    agent = tokens.create_token(name="rig", scopes=["agent"], host=host)
    send("/api/v1/hosts/rig/snapshots/", reading, 201, authorization=f"Bearer {agent}")


def lasting(answer: dict[str, Any]) -> dict[str, Any]:
    """What the same question gets on every day: not the digest, the release's name and when the host was read."""
    assert re.fullmatch("[0-9a-f]{64}", answer.pop("decision"))
    assert answer.pop("fit_version")
    snapshot = answer["hardware"]["snapshot"]
    if snapshot:
        assert isinstance(snapshot.pop("id"), int)
        assert snapshot.pop("taken")
    return answer


def test_every_class_of_hardware_is_there() -> None:
    assert {path.stem for path in FILES} == CLASSES


@pytest.mark.usefixtures("pinned_catalog")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_pinned_question_gets_its_pinned_answer(
    path: Path, driver: Callable[..., None], tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    case = json.loads(path.read_text())
    if "machine" in case:
        read(case["machine"], driver, tmp_path)
    answer = lasting(send("/api/v1/recommendations/", case["request"], 200))
    assert len(answer["results"]) == case["request"]["limit"]
    if pytestconfig.getoption("rewrite_contract"):
        path.write_text(json.dumps(case | {"answer": answer}, indent=1, ensure_ascii=False) + "\n")
    assert answer == json.loads(path.read_text()).get("answer"), (
        f"The answer to {path.stem} is another one. If that is meant: make contract, and show the difference."
    )
