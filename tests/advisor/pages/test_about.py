"""The about page: no source that is not named, versions that are the code's."""

from __future__ import annotations

import gzip
import json
import re
from html import unescape

import pytest
from django.test import Client

from advisor.answers import about
from advisor.fit.engines.llama_cpp import memory
from advisor.fit.engines.llama_cpp.defaults import products
from advisor.fit.engines.vllm import version as vllm
from advisor.fit.spec import FIT_VERSION
from bench import quality
from catalog import seed
from catalog.models import Evidence
from hardware import reference
from tests.plugin.berth import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
ACCURACY = ROOT / "tests/accuracy"


@pytest.fixture(scope="module")
def text(seeded: None) -> str:
    answer = Client(SERVER_NAME="localhost").get("/about/")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_the_page_says_every_bound_and_where_it_comes_from(text: str) -> None:
    for bound in about.accuracy():
        assert bound["sentences"] in text
        folder, name = bound["test"].rsplit("/", 1)
        assert f"Test, in {folder}</th>" in text
        assert f"<code>{name}</code>" in text
    assert "half within 15 %; nine of ten within 40 %; the range holds 80 % of the rows" in text


def test_the_rank_correlation_shown_is_of_these_models_this_evidence_and_this_method(text: str) -> None:
    shown = about.rank_correlation()
    assert shown["digest"] == quality.digest(*quality.catalog()), "Run bench/quality.py --write: its tables are old."
    assert shown["date"] in text
    for caption, rows in shown["tables"]:
        assert f"<caption>{caption}</caption>" in text
        for row in rows:
            assert f'<td>{row["use_case"]}</td><td class="num wide-only">{row["benchmarks"]}</td>' in text
            assert f"<strong>{row['strength']:.2f}</strong>" in text
    (_, by_benchmark), _ = shown["tables"]
    assert all(row["strength"] > max(row["size_only"], row["newest_first"]) for row in by_benchmark)


def test_every_published_result_is_counted_with_its_licence(text: str) -> None:
    rows = about.evidence()
    assert sum(row["rows"] for row in rows) == Evidence.objects.count()
    assert len(rows) < 60
    assert "github:LiveBench/livebench.github.io" in text
    assert {row["licence"] for row in rows if "JonathanChavezTamales" in row["source"]} == {"CC-BY-4.0"}


def origins(sources: list[str]) -> set[str]:
    """Packages, repositories and sites; "general knowledge" and the like name none."""
    found = (re.match(r"(pypi:[\w.-]+?)(?:==| |$)|(github:[^/]+/[^/@: ]+)|(localmaxxing\.com)", s) for s in sources)
    return {next(filter(None, one.groups())) for one in found if one}


def test_whatever_the_facts_were_read_from_is_named_with_its_licence(text: str) -> None:
    read = [s for model in seed.models() for s in model["provenance"].get("sources", [])]
    read += [s for entry in reference.entries() for s in entry["sources"]]
    for name in ("speed_batch.jsonl.gz", "measured_need.jsonl.gz"):
        with gzip.open(ACCURACY / "data" / name, "rt", encoding="utf-8") as lines:
            read += [json.loads(line)["source"] for line in lines]
    read += [row["source"] for row in json.loads((ACCURACY / "speed_rows.json").read_text())["rows"]]
    named = {source["source"] for source in about.sources()}
    assert len(origins(read)) > 12
    assert origins(read) <= named
    assert all(source["licence"] and source["source"] in text for source in about.sources())


def test_versions_are_those_of_the_code(text: str) -> None:
    for version in (memory.ENGINE_BUILD, vllm.ENGINE_VERSION, FIT_VERSION, about.fitted_on()):
        assert version in text
    engines = {source["source"] for source in about.sources() if source["use"] == "Rules of memory"}
    assert engines == {f"llama.cpp {memory.ENGINE_BUILD}", f"vLLM {vllm.ENGINE_VERSION}"}


def test_the_defaults_of_programs_that_run_llama_cpp_inside_are_said_with_their_source(text: str) -> None:
    assert "4,096 tokens, 32,768 tokens from 23 GiB of GPU memory on, 262,144 tokens from 47 GiB" in text
    assert "512 and 512, 1,024 and 1,024 above 4,096 tokens, 2,048 and 2,048 above 32,768 tokens" in text
    assert "4, sharing one cache of that context" in text
    for product in products().values():
        assert all(line in text for line in (*product.sources, *product.otherwise))
    assert origins([s for product in products().values() for s in product.sources]) <= {
        source["source"] for source in about.sources()
    }


def test_every_page_links_it(text: str) -> None:
    assert '<a href="/about/">' in Client(SERVER_NAME="localhost").get("/claims/").content.decode()
