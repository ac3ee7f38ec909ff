"""Two machines beside each other, and the article's claims beside the sums."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from advisor.answers.claims import article_claims
from tests.support.ask import compare_machines, recommend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
CARD, MAC, LAPTOP = "RTX 4090, 64 GB RAM", "M3 Max 64 GB", "RTX 4060 8 GB, 16 GB RAM"


def page(status: int = 200, **asked: Any) -> str:
    answer = Client(SERVER_NAME="localhost").get(f"/compare/?{urlencode(asked)}")
    assert answer.status_code == status
    return answer.content.decode()


def compared(a: str, b: str, **workload: Any) -> dict[str, Any]:
    return compare_machines({"a": a, "b": b}, {"workload": workload})


def test_the_best_of_each_machine_are_what_it_gets_when_asked_alone() -> None:
    found = compared(CARD, MAC, use_case="coding", context=32768)
    for name, text in (("a", CARD), ("b", MAC)):
        question = {"hardware": {"text": text}, "workload": {"use_case": "coding", "context": 32768}, "limit": 5}
        alone = [(r["model"]["slug"], r["build"]["quantization"]) for r in recommend(question)["results"]]
        assert [(r["slug"], r["quantization"]) for r in found["sides"][name]["results"]] == alone


def test_what_both_run_has_the_ratio_of_its_speeds() -> None:
    found = compared(CARD, MAC, use_case="coding", context=32768)
    rows = {row["a"]["slug"]: row for row in found["common"]}
    dense = rows["qwen3.6-27b"]  # 1,008 against 400 GB/s
    assert 2 < dense["ratio"] < 4
    for row in rows.values():
        speeds = [row[name]["pace"]["mid"] for name in ("a", "b")]
        assert row["ratio"] == pytest.approx(speeds[0] / speeds[1], rel=0.02)


def test_what_only_one_runs_is_not_run_by_the_other() -> None:
    found = compared(LAPTOP, "2x RTX 3090, 64 GB RAM")
    assert found["only"]["a"] == []
    assert found["only"]["b"]
    question = {"hardware": {"text": LAPTOP}, "limit": 100, "rejected_limit": 0}
    runs = {r["model"]["slug"] for r in recommend(question)["results"]}
    assert not runs & {r["slug"] for r in found["only"]["b"]}
    assert not {row["a"]["slug"] for row in found["common"]} & {r["slug"] for r in found["only"]["b"]}


def test_swapping_the_machines_swaps_the_answer() -> None:
    there, back = compared(CARD, MAC), compared(MAC, CARD)
    assert there["sides"]["a"] == back["sides"]["b"]
    assert [row["a"] for row in there["common"]] == [row["b"] for row in back["common"]]
    assert there["only"]["a"] == back["only"]["b"]


def test_the_page_names_both_machines_and_says_which_is_faster() -> None:
    text = page(a=CARD, b=MAC, use_case="coding", context=32768)
    assert f"{CARD} beside {MAC}" in text
    assert re.search(r'<td class="keep row" data-label="Faster:">A, [\d.]+ times</td>', text)
    assert "style=" not in text


@pytest.mark.parametrize(
    ("asked", "status", "said", "kept"),
    [
        ({"a": CARD}, 400, "Describe this machine", f'value="{CARD}"'),
        ({"a": "Foo 9000", "b": MAC}, 422, "is not a GPU that Berth knows", 'value="Foo 9000"'),
        ({"a": CARD, "b": MAC, "context": "long"}, 400, "valid integer", f'value="{MAC}"'),
        ({"a": CARD, "b": MAC, "hw": MAC}, 400, "hw is not a query key here", f'value="{CARD}"'),
        ({"a": CARD, "b": MAC, "price_per_kwh": 1}, 400, "price_per_kwh is not a query key here", f'value="{MAC}"'),
    ],
)
def test_a_wrong_entry_is_one_sentence_and_nothing_is_lost(asked: Any, status: int, said: str, kept: str) -> None:
    text = page(status, **asked)
    assert said in text
    assert kept in text


def test_an_empty_page_asks_for_two_machines() -> None:
    assert "Describe two machines" in page()


def test_the_claims_stand_beside_the_sums_of_the_engine() -> None:
    rows = {row["slug"]: row for row in article_claims()["rows"]}
    weights = {slug: round(row["file_bytes"] / 1e9) for slug, row in rows.items()}
    assert weights == {"llama-3.1-70b-instruct": 75, "mistral-large-instruct-2407": 130, "deepseek-v3": 713}
    assert rows["llama-3.1-70b-instruct"]["per_token"] == 80 * 2 * 1024 * 2  # layers x (K + V) x 8 heads of 128 x f16
    for row in rows.values():
        assert row["total"] == row["weights"] + row["kv"] + row["compute"]
        assert row["machines"]
        assert all(machine["total_bytes"] > 0.95 * row["file_bytes"] for machine in row["machines"])


def test_the_claims_page_shows_claim_sum_and_hardware() -> None:
    text = Client(SERVER_NAME="localhost").get("/claims/").content.decode()
    for said in ("~80 GB", "75 GB", "~96 GB", "130 GB", "120 GB+", "713 GB", "5.9 times what is claimed", "H200"):
        assert said in text
