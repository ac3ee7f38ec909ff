"""A database of every published state of the migrations, with rows in it, brought to this version.

States are all apps' first migrations, and after them one more each time, as far as they go: a new migration is a state
more by itself. One database goes through all of them and gains rows at each.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from advisor.answers import decisions
from advisor.api import tokens
from advisor.launch.document import launch_document
from advisor.launch.queue import get_launch
from advisor.selectors.catalog import load_catalog
from hardware import probe
from hardware.hosts import host_document
from tests.plugin.berth import new_database
from tests.support.ask import recommend

pytestmark = pytest.mark.postgres
OURS = ("catalog", "hardware", "advisor")
SPACE = UUID("00000000-0000-4000-8000-000000000000")
QUESTION = {"hardware": {"text": "RTX 4090, 64 GB RAM"}, "workload": {"context": 4096}}
Table = dict[Any, dict[str, Any]]


@pytest.fixture(scope="module")
def empty(django_db_blocker: Any) -> Iterator[None]:
    """An empty database of its own as the default one."""
    usual = connections["default"]
    other = usual.copy()
    other.settings_dict["NAME"] = ":memory:"
    if usual.vendor == "postgresql":
        other.settings_dict["NAME"] = new_database().partition("?")[0].rpartition("/")[2]
    with django_db_blocker.unblock():
        connections["default"] = other
        yield
        other.close()
    connections["default"] = usual


def steps(executor: MigrationExecutor) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The first migration of each app, and all others in the order in which they are made."""
    plan = [step for step, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    ours = [(step.app_label, step.name) for step in plan if step.app_label in OURS]
    first = [key for key in ours if key[1].startswith("0001_")]
    return first, [key for key in ours if key not in first]


def write(apps: Any, tag: str) -> None:
    """One row of everything that matters, as the code of that time wrote it. `tag` is in its names."""
    licence = apps.get_model("catalog", "Licence").objects.create(id=f"mit-{tag}", name="MIT", commercial="yes")
    facts = {"name": tag, "organisation": "a", "family": "f", "input_modalities": ["text"], "context_length": 8192}
    model = apps.get_model("catalog", "Model").objects.create(
        slug=f"model-{tag}", hub_id=f"a/{tag}", licence=licence, parameters_total=7 * 10**9, **facts
    )
    apps.get_model("catalog", "HistoricalModel").objects.create(
        id=model.pk,
        slug=model.slug,
        hub_id=model.hub_id,
        updated=timezone.now(),
        history_date=timezone.now(),
        history_type="+",
        **facts,
    )
    apps.get_model("catalog", "Build").objects.create(
        model=model, key=f"model-{tag}:Q4_0", format="gguf", quantization="Q4_0", bytes=4 * 10**9, basis="computed",
        source="a",
    )  # fmt: skip
    benchmark = apps.get_model("catalog", "Benchmark").objects.create(
        name=f"b-{tag}", version="1", metric="%", use_case="coding"
    )
    apps.get_model("catalog", "Evidence").objects.create(
        model=model, benchmark=benchmark, value=61.5, date=date(2026, 3, 1), third_party=True, source="https://a.test"
    )
    apps.get_model("catalog", "Withheld").objects.create(table="Licence", key=f'["gone-{tag}"]')
    apps.get_model("catalog", "CatalogVersion").objects.update_or_create(id=1, defaults={"digest": tag})
    serve(apps, tag)


def serve(apps: Any, tag: str) -> str:
    """What running web servers and workers write, whoever edits the catalog: the text of a token."""
    host = apps.get_model("hardware", "Host").objects.create(id=f"host-{tag}", name=tag, queue=f"host.{tag}")
    apps.get_model("hardware", "Snapshot").objects.create(
        host=host, taken=timezone.now(), ok=True, data=probe.without_drivers()
    )
    card = apps.get_model("hardware", "Accelerator").objects.create(
        host=host, uuid=f"GPU-{tag}", name="L4", capacity_bytes=24 << 30, reserved_bytes=1 << 30
    )
    speed = {"low": 1.0, "mid": 2.0, "high": 3.0}
    launch = apps.get_model("advisor", "Launch").objects.create(
        id=uuid5(SPACE, tag), host=host, model=f"model-{tag}", build=f"model-{tag}:Q4_0", engine="llama.cpp",
        alias=tag, settings={"context": 4096, "devices": 1}, status="ready", devices=[card.uuid], pid=1, port=2,
        predicted={"total_bytes": 1 << 30, "devices": {}, "host": {}, "decode_tokens_per_second": speed},
    )  # fmt: skip
    apps.get_model("advisor", "LaunchEvent").objects.create(
        launch=launch, from_status="starting", to_status="ready", note="up"
    )
    apps.get_model("hardware", "Reservation").objects.create(accelerator=card, holder=launch.pk, bytes=1 << 30)
    apps.get_model("advisor", "Decision").objects.create(digest=tag.ljust(64, "0"), question=QUESTION)
    apps.get_model("advisor", "ApiToken").objects.create(
        name=tag, key=tag, digest=tokens.digest("secret"), scopes=["read"]
    )
    return f"brt_{tag}_secret"


def content(apps: Any) -> dict[str, Table]:
    """Every row of every table of ours, by column."""
    tables = [model for app in OURS for model in apps.get_app_config(app).get_models()]
    return {m._meta.label: {row[m._meta.pk.attname]: row for row in m.objects.values()} for m in tables}


@pytest.fixture(scope="module")
def upgraded(empty: None) -> list[tuple[str, Any, dict[str, Table]]]:
    """Of each state: its name, its models and what its database held; the database is at this version now."""
    executor = MigrationExecutor(connections["default"])
    first, later = steps(executor)
    found = []
    for number, step in enumerate([first, *([key] for key in later)]):
        executor.migrate(step)
        executor = MigrationExecutor(connections["default"])  # a new one: it knows what is applied
        done = [key for key in executor.loader.applied_migrations if key[0] in OURS]
        apps = executor.loader.project_state(done).apps
        write(apps, f"s{number:02}")
        found.append((step[-1][1], apps, content(apps)))
    assert executor.migration_plan([key for key in executor.loader.graph.leaf_nodes() if key[0] in OURS]) == []
    return found


def test_every_row_of_every_state_is_there_after_the_upgrade(upgraded: list[Any]) -> None:
    from django.apps import apps as current

    now = content(current)
    assert len(upgraded) > 3
    for name, _, before in upgraded:
        assert sum(map(len, before.values())) >= 15
        for table, rows in before.items():
            if table == "catalog.CatalogVersion":  # one row for all of them
                continue
            for key, row in rows.items():
                after = now[table][key]
                assert row == {column: after[column] for column in row}, (name, table)


def test_what_was_kept_before_the_upgrade_still_works(upgraded: list[Any]) -> None:
    catalog = load_catalog("upgraded")
    for number in range(len(upgraded)):
        tag = f"s{number:02}"
        question = decisions.recall(tag.ljust(64, "0"))
        assert question == QUESTION
        assert recommend(question)["hardware"]["ram_bytes"] == 64 << 30
        assert tokens.find_token(f"brt_{tag}_secret") is not None
        assert host_document(f"host-{tag}")["accelerators"] == []
        document = launch_document(get_launch(uuid5(SPACE, tag)))
        assert (document["status"], document["reservations"][0]["bytes"]) == ("ready", 1 << 30)
        assert f"model-{tag}" in {model.slug for model in catalog.models}


def test_processes_of_an_older_state_read_and_write_on_beside_the_new_ones(upgraded: list[Any]) -> None:
    """Between migrating and the last restart: every column they name is there, and no other is asked for."""
    for number, (_, apps, before) in enumerate(upgraded):
        assert content(apps).keys() == before.keys()
        assert tokens.find_token(serve(apps, f"late{number:02}")) is not None
        assert apps.get_model("advisor", "Launch").objects.filter(status="ready").update(status="stopping") > 0
