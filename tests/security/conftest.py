"""A world with one of each thing, and one client for each kind of caller."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from advisor.api import tokens
from advisor.models import ApiToken, Launch
from catalog.models import Benchmark, Build, CatalogVersion, Evidence, Licence, Model
from hardware import probe
from hardware.models import Host
from hardware.snapshots import record, this_host
from tests.security.permissions import BROWSER, DEAD, TOKENS
from tests.support.operator_browser import open_link

LAUNCH_ID = "00000000-0000-4000-8000-000000000001"


def routes(patterns: list[Any] | None = None, before: str = "") -> Iterator[str]:
    """Every address of the URLconf as Django writes it."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        here = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, here)
        elif isinstance(pattern, URLPattern):
            yield here


@pytest.fixture
def world(db: None) -> dict[str, str]:
    """One row of everything; by route parameter, what leads to it."""
    licence = Licence.objects.create(id="mit", name="MIT", commercial="yes")
    model = Model.objects.create(
        slug="one", name="One", hub_id="a/one", organisation="a", family="one", licence=licence, context_length=4096,
        input_modalities=["text"], provenance={"sources": ["a"], "confidence": "read from a source"},
    )  # fmt: skip
    Build.objects.create(
        model=model, key="one:Q4_0", format="gguf", quantization="Q4_0", bytes=1, basis="computed",
        source="s",
    )  # fmt: skip
    benchmark = Benchmark.objects.create(name="b", version="1", metric="%", use_case="coding", measures="code")
    figure = Evidence.objects.create(
        model=model, benchmark=benchmark, value=1, source="s", source_licence="mit", third_party=True
    )
    CatalogVersion.objects.get_or_create(pk=1)
    # Not read from this machine: a probe for every test would take longer than what is tested.
    record(this_host(), timezone.now(), probe.without_drivers())
    Host.objects.create(id="other", name="other", queue="host.other")
    speed = {"low": 1.0, "mid": 1.0, "high": 1.0}
    host = {"weights": 1, "kv": 0, "compute": 0, "overhead": 0, "total": 1}
    Launch.objects.create(
        id=LAUNCH_ID, host_id="local", model="one", build="one:Q4_0", engine="llama.cpp", alias="one",
        settings={"context": 4096, "devices": 0}, status="failed",
        predicted={"total_bytes": 1, "devices": {}, "host": host, "decode_tokens_per_second": speed, "program": "x"},
    )  # fmt: skip
    return {
        "launches": LAUNCH_ID,
        "models": "one",
        "builds": "one:Q4_0",
        "evidence": str(figure.pk),
        "benchmarks": str(benchmark.pk),
        "licences": "mit",
        "hosts": "local",
    }


def bearer(text: str, **more: Any) -> Client:
    return Client(SERVER_NAME="localhost", headers={"authorization": f"Bearer {text}"}, **more)


@pytest.fixture
def callers(world: dict[str, str]) -> dict[str, Client]:
    clients = {"anonymous": Client(SERVER_NAME="localhost"), BROWSER: open_link(Client(SERVER_NAME="localhost"))}
    for name, scopes in TOKENS.items():
        host = Host.objects.get(pk="other" if "another" in name else "local") if "agent" in scopes else None
        clients[name] = bearer(tokens.create_token(name=name, scopes=sorted(scopes), host=host))
    now = timezone.now()
    for name in DEAD:
        text = tokens.create_token(
            name=name, scopes=list(tokens.SCOPES), expires=now - timedelta(1) if "exp" in name else None
        )
        clients[name] = bearer(text if "unknown" not in name else "brt_000000000000_0")
    ApiToken.objects.filter(name="revoked token").update(revoked=now)
    for name, staff in {"staff session": True, "session without staff": False}.items():
        user = User.objects.create_user(name, is_staff=staff, is_superuser=staff)
        clients[name] = Client(SERVER_NAME="localhost")
        clients[name].force_login(user)
    return clients
