"""Requests made up from the OpenAPI document: nothing fails, and every answer is one that the document announces.

FUZZ_EXAMPLES=500 looks deeper, and sends every case of the bounds instead of a quarter.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.core import NOT_SET
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import negative_data_rejection

from advisor.api import tokens
from config.wsgi import application
from hardware.models import Host

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("server")]

FEW = 5
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", FEW))
schema = schemathesis.openapi.from_wsgi("/api/v1/schema/", application)
# A made-up If-Match is refused before anybody looks at the body.
schema.config.checks.negative_data_rejection.expected_statuses.append("412")
# What is well-formed may still name a row, a machine or a word that is not there, or find no room.
schema.config.checks.positive_data_acceptance.expected_statuses = ["2xx", "304", "400", "404", "409", "412", "422"]


@pytest.fixture
def server() -> Iterator[None]:
    """As Django's own test client does: the connection that holds the world stays open between two requests."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def token(world: dict[str, str]) -> str:
    """Also an agent's, of the host that there is."""
    return tokens.create_token(name="fuzz", scopes=list(tokens.SCOPES), host=Host.objects.get(pk=world["hosts"]))


def leads_somewhere(case: Any, world: dict[str, str]) -> None:
    """Every second well-formed path names a row that is there: a made-up one would end in 404 each time."""
    name = case.operation.path.removeprefix("/api/v1/").partition("/")[0]
    if name in world and case.path_parameters and not case.meta.is_negative_at(ParameterLocation.PATH):
        case.path_parameters = dict.fromkeys(case.path_parameters, world[name])


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_of_the_documented(case: Any, token: str, world: dict[str, str]) -> None:
    sent = (case.path_parameters, case.query, None if case.body is NOT_SET else case.body)
    pick = crc32(repr(sent).encode())
    if EXAMPLES == FEW and case.meta.phase.name.value == "coverage" and pick % 4:
        return
    if pick % 8 > 3:
        leads_somewhere(case, world)
    # An empty query value counts as not given.
    excluded = [negative_data_rejection] if "" in (case.query or {}).values() else []
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    case.call_and_validate(headers=headers, excluded_checks=excluded)
