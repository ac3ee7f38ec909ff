"""Sources of evidence that the operator switches off: out of every answer, another catalog version, and back."""

from __future__ import annotations

from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.test import Client

from advisor.selectors.catalog import catalog_index
from catalog import bundle, evidence_sources, version
from tests.support.ask import recommend

QUESTION = {"hardware": {"text": "RTX 4090, 64 GB RAM"}, "workload": {"use_case": "coding"}}
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
LIVEBENCH = "github:LiveBench/livebench.github.io"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("evidence_source", *arguments, stdout=out)
    return out.getvalue()


def cited() -> set[str]:
    """Origins of all evidence that the catalog's strengths rest on."""
    models = catalog_index().catalog.models
    return {
        evidence_sources.origin(one.source)
        for model in models
        for held in model.strengths.values()
        for one in held.evidence
    }


def decided() -> dict[str, Any]:
    answer = recommend(QUESTION)
    return {"version": answer["catalog_version"], "results": answer["results"]}


def test_a_source_that_is_off_is_no_evidence_of_any_answer_and_on_again_the_answer_is_the_same() -> None:
    before, named = decided(), cited()
    assert LIVEBENCH in named
    run(LIVEBENCH, "--off")
    without = decided()
    assert cited() == named - {LIVEBENCH}
    assert without["version"] != before["version"]
    assert [r["score"] for r in without["results"]] != [r["score"] for r in before["results"]]
    assert "LiveBench/" not in str(without["results"])
    page = Client(SERVER_NAME="localhost").get("/about/").content.decode()
    assert page.count("switched off: not in the scores") == 1
    run(LIVEBENCH, "--on")
    assert decided() == before


def test_the_list_says_of_every_source_whether_it_counts() -> None:
    listed = run().splitlines()
    assert [line[4:] for line in listed] == evidence_sources.origins()
    assert {line[:4] for line in listed} == {"on  "}
    run(listed[0][4:], "--off")
    assert run().splitlines()[0].startswith("off ")


@pytest.mark.parametrize("arguments", [("github:nobody/nothing", "--off"), ("--off",), (LIVEBENCH,)])
def test_what_switches_nothing_is_refused(arguments: tuple[str, ...]) -> None:
    before = version.current()
    with pytest.raises(CommandError):
        run(*arguments)
    assert version.current() == before


def test_a_bundle_is_of_the_whole_catalog_whatever_is_switched_off_here(settings: LazySettings) -> None:
    settings.BUNDLE_KEY = "k" * 32
    before = version.current()
    run(LIVEBENCH, "--off")
    assert bundle.unpack(bundle.pack(date(2026, 1, 1)))[0]["catalog_version"] == before
