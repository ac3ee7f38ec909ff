"""`recommendations/` as a provisioning script uses it: answers it can act on, problems that name the field."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
URL = "/api/v1/recommendations/"
GIB = 1 << 30
MACHINES: dict[str, dict[str, Any]] = {
    "one 4090": {"accelerators": [{"name": "NVIDIA GeForce RTX 4090", "count": 1}], "ram_bytes": 64 * GIB},
    "two H100": {"accelerators": [{"name": "H100 SXM", "count": 2}], "ram_bytes": 256 * GIB},
    "a laptop": {"text": "RTX 4060 laptop 8 GB, 16 GB RAM"},
    "CPU only": {"ram_bytes": 32 * GIB, "cpu_cores": 8, "os": "linux"},
    "M3 Max": {"text": "M3 Max 64 GB"},
}
# The least and the most parameters of the first answer for coding at 32k, by a well-read engineer.
SIZES = {"one 4090": (20, 125), "two H100": (20, 700), "a laptop": (3, 40), "CPU only": (3, 60), "M3 Max": (20, 125)}


@pytest.fixture
def client() -> Client:
    return Client(SERVER_NAME="localhost")


def post(client: Client, body: Any, status: int = 200) -> Any:
    answer = client.post(URL, body, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


@pytest.mark.parametrize("name", MACHINES)
def test_each_machine_gets_an_answer_that_fits_it(client: Client, name: str) -> None:
    workload = {"use_case": "coding", "context": 32768, "concurrency": 1, "licence": "commercial"}
    decision = post(client, {"hardware": MACHINES[name], "workload": workload, "engines": ["llama.cpp"], "limit": 10})
    assert len(decision["results"]) == 10
    low, high = SIZES[name]
    assert low * 10**9 <= decision["results"][0]["model"]["parameters_total"] <= high * 10**9
    for place, result in enumerate(decision["results"], 1):
        assert result["rank"] == place
        memory, settings = result["memory"], result["settings"]
        assert settings["context"] >= 32768
        for device in memory["devices"]:
            parts = sum(device[part] for part in ("weights", "kv", "compute", "overhead"))
            assert parts == device["total"] <= device["available"] <= device["capacity"]
        assert memory["host"]["total"] <= (memory["host"]["available"] or memory["host"]["total"])
        speed = result["speed"]["decode_tokens_per_second"]
        assert 0 < speed["low"] <= speed["mid"] <= speed["high"]
        quality = result["quality"]
        assert quality["low"] <= quality["score"] <= quality["high"]
        assert quality["basis"] != "evidence" or quality["evidence"]
        assert result["command"][0] == "llama-server"
        assert result["build"]["bytes"] > 0
    assert len({result["model"]["slug"] for result in decision["results"]}) == 10
    for rejected in decision["rejected"]:
        if rejected["reason"] in ("gpu_memory", "host_memory"):
            assert rejected["needed_bytes"] > rejected["available_bytes"] >= 0
    assert post(client, {"hardware": MACHINES[name], "workload": workload, "limit": 10}) == decision


def test_the_query_asks_what_the_body_asks(client: Client) -> None:
    query = "gpu=RTX+4090&gpus=2&ram_gb=64&use_case=coding&context=32768&concurrency=2&languages=en&limit=3"
    query += "&min_decode_tokens_per_second=10&licence=commercial&input_modalities=text&prefer=quality"
    asked = client.get(f"{URL}?{query}")
    assert asked.status_code == 200
    hardware = {"accelerators": [{"name": "RTX 4090", "count": 2}], "ram_bytes": 64 * GIB}
    workload = {"use_case": "coding", "context": 32768, "concurrency": 2, "languages": ["en"], "licence": "commercial"}
    workload |= {"min_decode_tokens_per_second": 10, "input_modalities": ["text"]}
    body = {"hardware": hardware, "workload": workload, "prefer": "quality", "limit": 3}
    assert asked.json() == post(client, body)


@pytest.mark.parametrize(
    ("card", "said", "more"),
    [
        ({"name": "Foo 9000"}, "is not a GPU that Berth knows", "fields"),
        ({"name": "RTX 3060"}, "can be several cards", "choices"),
        ({"name": "Foo 9000", "memory_bytes": 24 * GIB}, "memory bandwidth", "fields"),
    ],
)
def test_unknown_and_ambiguous_gpus_are_asked_about(client: Client, card: Any, said: str, more: str) -> None:
    problem = post(client, {"hardware": {"accelerators": [card], "ram_bytes": 32 * GIB}}, 422)
    assert problem["status"] == 422
    (error,) = problem["errors"]
    assert error["field"] == "hardware.accelerators[0].name"
    assert said in error["message"]
    assert error[more]


def test_an_unknown_gpu_that_is_described_is_planned_on(client: Client) -> None:
    card = {"name": "Foo 9000", "memory_bytes": 24 * GIB, "memory_bandwidth": 900 * 10**9}
    decision = post(client, {"hardware": {"accelerators": [card], "ram_bytes": 32 * GIB}})
    assert decision["results"]
    assert decision["hardware"]["accelerators"][0]["source"] == "stated"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"hardware": MACHINES["one 4090"], "colour": "red"}, "colour"),
        ({"hardware": MACHINES["one 4090"], "workload": {"context": "long"}}, "workload.context"),
        ({"hardware": {"accelerators": [{"name": "RTX 4090", "vram": 1}]}}, "hardware.accelerators[0].vram"),
        ({"workload": {"use_case": "poetry"}, "hardware": MACHINES["CPU only"]}, "workload.use_case"),
    ],
)
def test_a_wrong_body_is_a_problem_document(client: Client, body: Any, field: str) -> None:
    answer = client.post(URL, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail", "errors"} <= set(problem)
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize("body", ["{", "[]", "null", '"x"', "\x00", "1e999"])
def test_what_is_no_question_is_refused(client: Client, body: str) -> None:
    answer = client.post(URL, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_an_unknown_query_key_is_refused_by_name(client: Client) -> None:
    answer = client.get(f"{URL}?gpu=RTX+4090&contxt=1")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "contxt"


def test_other_plans_are_asked_for_beside_the_body_or_in_it(client: Client) -> None:
    body = {"hardware": MACHINES["one 4090"], "limit": 3}
    plain, expanded = post(client, body), post(client, body | {"expand": "plans"})
    beside = client.post(f"{URL}?expand=plans", body, content_type="application/json")
    assert beside.json() == expanded
    assert not any("plans" in result for result in plain["results"])
    assert all(len(result["plans"]) >= 1 for result in expanded["results"][:1])
    wrong = {"expand=everything": "expand", "limit=3": "limit", "expand=plans&expand=plans": "expand"}
    for query, field in wrong.items():
        answer = client.post(f"{URL}?{query}", body, content_type="application/json")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert client.post(f"{URL}?expand=plans", "[]", content_type="application/json").status_code == 400


def test_an_answer_costs_the_same_few_queries_however_much_is_asked(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    post(client, {"hardware": MACHINES["one 4090"]})  # reads the catalog
    for limit in (1, 40):
        body = {"hardware": MACHINES["two H100"], "limit": limit, "rejected_limit": 5 * limit, "expand": "plans"}
        with django_assert_max_num_queries(
            6
        ) as asked:  # the catalog's version, the files here, and the decision kept in a savepoint
            post(client, body)
        assert len(asked.captured_queries) > 1
        with django_assert_max_num_queries(2):
            post(client, body)
