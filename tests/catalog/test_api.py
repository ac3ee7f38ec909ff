from __future__ import annotations

import pytest
from django.test import Client

from catalog import version
from catalog.models import Benchmark, Build, Evidence, Licence, Model
from tests.support.catalog_api import LISTS, LLAMA, NEWER, SMOL, bearer, change


def fields(response):
    return {error["field"] for error in response.json()["errors"]}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_answers_pages_of_results(reader, name):
    page = reader.get(f"/api/v1/{name}/?limit=2").json()
    assert set(page) == {"next", "previous", "results"}
    assert len(page["results"]) == 2
    assert page["previous"] is None


@pytest.mark.parametrize(
    ("name", "queries"), [("models", 1), ("builds", 1), ("evidence", 1), ("benchmarks", 1), ("licences", 1)]
)
def test_a_list_costs_the_same_queries_however_long(reader, name, queries, django_assert_num_queries):
    with django_assert_num_queries(queries):
        reader.get(f"/api/v1/{name}/?limit=500")


def test_a_model_in_detail_costs_three_queries(reader, django_assert_num_queries):
    with django_assert_num_queries(3):
        model = reader.get(f"/api/v1/models/{LLAMA}/").json()
    assert model["licence"] == "llama3.1"
    assert model["superseded_by"] == NEWER
    assert {"benchmark", "version", "metric", "value", "source", "third_party"} <= set(model["evidence"][0])


def test_a_model_names_its_builds(reader):
    model = reader.get(f"/api/v1/models/{SMOL}/").json()
    assert [build["id"] for build in model["builds"]] == [f"{SMOL}:Q4_K_M", f"{SMOL}:Q8_0"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=smol", {SMOL}),
        ("licence=apache-2.0", {SMOL}),
        ("commercial=conditions", {LLAMA, NEWER}),
        ("parameters_max=200000000", {SMOL}),
        ("released_after=2024-12-01", {NEWER}),
        ("modality=text", {SMOL, LLAMA, NEWER}),
        ("modality=image", set()),
        ("architecture=llama&family=smollm2", {SMOL}),
    ],
)
def test_models_are_found_by_what_a_script_asks(reader, query, found):
    assert {row["slug"] for row in reader.get(f"/api/v1/models/?{query}").json()["results"]} == found


def test_evidence_is_found_by_model_and_use_case(reader):
    rows = reader.get(f"/api/v1/evidence/?model={LLAMA}&use_case=coding&limit=500").json()["results"]
    assert {row["model"] for row in rows} == {LLAMA}
    assert {row["use_case"] for row in rows} == {"coding"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("licens=mit", "licens"),
        ("limit=501", "limit"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("ordering=beauty", "ordering"),
        ("tool_use=perhaps&released_after=soon", "released_after"),
        ("licence=none-such", "licence"),
    ],
)
def test_a_query_that_means_nothing_is_refused_by_name(reader, query, field):
    response = reader.get(f"/api/v1/models/?{query}")
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert field in fields(response)


def test_a_query_key_on_a_single_model_is_refused(reader):
    assert reader.get(f"/api/v1/models/{SMOL}/?limit=1").status_code == 400


def test_a_change_is_kept_and_moves_the_version_and_the_tag(writer):
    before, tag = version.current(), Client().get(f"/api/v1/models/{SMOL}/")["ETag"]
    response = change(writer, f"models/{SMOL}", {"context_length": 4096}, **{"if-match": tag})
    assert response.status_code == 200
    assert response["ETag"] != tag
    assert Model.objects.get(slug=SMOL).context_length == 4096
    assert version.current() != before
    assert Model.objects.get(slug=SMOL).history.first().history_change_reason == "token:catalog"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"colour": "blue"}, "colour"),
        ({"parameters_active": 10**15}, ""),
        ({"context_length": 10**6}, "context_length"),
        ({"architecture": {"arch": "llama"}}, "architecture"),
        ({"input_modalities": ["smell"]}, "input_modalities"),
        ({"superseded_by": "none-such"}, "superseded_by"),
        ({"slug": LLAMA}, "slug"),
        ({"slug": "Not A Slug"}, "slug"),
        ({"parameters_total": 10**30}, "parameters_total"),
        ({"architecture": {"arch": "llama", "n_layers": 10**30}}, "architecture"),
    ],
)
def test_a_change_that_cannot_be_right_is_refused_by_field(writer, body, field):
    response = change(writer, f"models/{SMOL}", body)
    assert response.status_code == 400
    assert field in fields(response)


def test_a_build_evidence_and_licence_are_added_read_and_deleted(writer):
    build = {
        "id": f"{SMOL}:Q6_K:org/repo",
        "model": SMOL,
        "format": "gguf",
        "quantization": "Q6_K",
        "bytes": 9,
        "source": "me",
    }
    made = writer.post("/api/v1/builds/", build | {"basis": "exact"}, content_type="application/json")
    assert made.status_code == 201, made.content
    assert Client().get(f"/api/v1/builds/{SMOL}:Q6_K:org/repo/").json()["bytes"] == 9
    figure = {
        "model": SMOL,
        "benchmark": Benchmark.objects.first().pk,
        "value": 1.5,
        "third_party": True,
        "source": "me",
    }
    made = writer.post("/api/v1/evidence/", figure, content_type="application/json")
    assert made.status_code == 201, made.content
    assert made.json()["benchmark"] == Benchmark.objects.first().name
    made = writer.post(
        "/api/v1/licences/", {"id": "own", "name": "Own", "commercial": "no"}, content_type="application/json"
    )
    assert made.status_code == 201
    assert writer.delete("/api/v1/licences/own/").status_code == 204
    assert not Licence.objects.filter(pk="own").exists()


def test_the_files_of_a_build_have_addresses_and_come_back_as_they_were_shown(writer):
    file = {"path": "Q4/a b.gguf", "bytes": 5, "sha256": None, "revision": "c" * 40}
    body = {"id": f"{SMOL}:Q3_K_M", "model": SMOL, "format": "gguf", "quantization": "Q3_K_M", "repo": "org/A-GGUF"}
    body |= {"bytes": 5, "basis": "computed", "source": "by hand", "files": [file]}
    made = writer.post("/api/v1/builds/", body, content_type="application/json").json()
    assert made["files"] == [file | {"url": f"https://huggingface.co/org/A-GGUF/resolve/{'c' * 40}/Q4/a%20b.gguf"}]
    again = change(writer, f"builds/{SMOL}:Q3_K_M", {"files": made["files"]})
    assert (again.status_code, again.json()["files"]) == (200, made["files"])
    assert Build.objects.get(key=f"{SMOL}:Q3_K_M").files == [file]


def test_a_model_is_added_with_what_the_document_says_is_required(writer):
    body = {"slug": "new", "name": "New", "hub_id": "a/new", "organisation": "a", "family": "new"}
    refused = writer.post("/api/v1/models/", body, content_type="application/json")
    assert (refused.status_code, fields(refused)) == (400, {"provenance"})
    body |= {"provenance": {"sources": ["https://a.test"], "confidence": "read from a source"}}
    made = writer.post("/api/v1/models/", body, content_type="application/json")
    assert made.status_code == 201, made.content
    assert (made.json()["input_modalities"], made.json()["parameters_total"]) == (["text"], None)
    assert change(writer, "models/new", {"input_modalities": ["text", "image"]}).status_code == 200
    assert change(writer, "models/new", {"name": "Newer"}).json()["input_modalities"] == ["text", "image"]


def test_a_benchmark_of_a_use_case_that_nobody_asks_for_is_refused(writer):
    body = {"name": "b", "metric": "%", "use_case": "poetry"}
    response = writer.post("/api/v1/benchmarks/", body, content_type="application/json")
    assert (response.status_code, fields(response)) == (400, {"use_case"})
    made = writer.post("/api/v1/benchmarks/", body | {"use_case": "math"}, content_type="application/json")
    assert made.status_code == 201


def test_what_is_not_known_is_null_and_can_be_written_so(writer):
    build = {"id": f"{SMOL}:Q6_K", "model": SMOL, "format": "gguf", "quantization": "Q6_K", "bytes": 9, "source": "me"}
    made = writer.post("/api/v1/builds/", build | {"basis": "exact", "repo": None}, content_type="application/json")
    assert (made.status_code, made.json()["repo"]) == (201, None)
    assert Build.objects.get(key=build["id"]).repo == ""
    assert Client().get("/api/v1/builds/?quantization=Q6_K").json()["results"][0]["repo"] is None
    assert change(writer, f"builds/{SMOL}:Q6_K", {"repo": "org/repo"}).json()["repo"] == "org/repo"
    assert change(writer, "licences/apache-2.0", {"url": None, "conditions": ""}).json()["url"] is None
    assert change(writer, "licences/apache-2.0", {"name": None}).status_code == 400


def test_a_build_of_another_models_name_is_refused(writer):
    body = {
        "id": f"{LLAMA}:Q6_K",
        "model": SMOL,
        "format": "gguf",
        "quantization": "Q6_K",
        "bytes": 9,
        "basis": "exact",
    }
    assert writer.post("/api/v1/builds/", body, content_type="application/json").status_code == 400


def test_a_licence_in_use_is_not_deleted_nor_renamed(writer):
    assert writer.delete("/api/v1/licences/apache-2.0/").status_code == 409
    assert change(writer, "licences/apache-2.0", {"id": "other-2.0"}).status_code == 400


@pytest.mark.parametrize("client", [Client, lambda: bearer("read", "recommend", "launch", "agent")])
@pytest.mark.parametrize("name", LISTS)
def test_writes_need_the_scope_catalog(loaded, client, name):
    response = client().post(f"/api/v1/{name}/", {}, content_type="application/json")
    assert response.status_code in (401, 403)


def test_a_replaced_model_reads_as_it_was_written(writer):
    body = Client().get(f"/api/v1/models/{LLAMA}/").json()
    response = writer.put(f"/api/v1/models/{LLAMA}/", body, content_type="application/json")
    assert response.status_code == 200, response.content
    assert {**response.json(), "updated": None} == {**body, "updated": None}
    assert Evidence.objects.filter(model__slug=LLAMA).count() == len(body["evidence"])
