"""Cost of every plan beside hosted prices, and nothing for what was not stated."""

from __future__ import annotations

import pytest

from advisor.answers import hosted_prices
from advisor.selectors.catalog import catalog_index
from catalog import seed
from tests.support.questions import asked

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
ALL = {"price_per_kwh": 0.3, "purchase_price": 2500, "years": 3, "utilisation": 0.25}


def test_without_prices_no_cost_is_shown_and_the_answer_is_the_same() -> None:
    plain, costed = asked(), asked(cost=ALL)
    assert all("cost" not in result for result in plain["results"])
    assert [{**r, "cost": None} for r in plain["results"]] == [{**r, "cost": None} for r in costed["results"]]
    assert plain["decision"] != costed["decision"]


def test_every_result_carries_its_cost_beside_the_hosted_price() -> None:
    for result in asked(cost=ALL)["results"]:
        found, rate = result["cost"], result["speed"]["decode_tokens_per_second"]["mid"]
        assert found["power_watts"] == 450
        assert found["energy_per_million"]["mid"] == pytest.approx(450 / rate / 3.6 * 0.3, rel=0.02)
        parts = found["energy_per_million"]["mid"] + found["purchase_per_million"]["mid"]
        assert found["total_per_million"]["mid"] == pytest.approx(parts, rel=0.02)
        assert found["total_per_million"]["low"] < found["total_per_million"]["high"]
        offers = hosted_prices.prices()["prices"].get(result["model"]["slug"])
        assert found["hosted"]["same_model"] == (offers is not None)
        if offers:
            assert found["hosted"]["output_per_million"] == min(price for _, price in offers.values())
            assert found["break_even"]["tokens_in_that_time"] == pytest.approx(rate * 3 * 0.25 * 31557600, rel=0.02)


def test_a_model_that_nobody_hosts_is_held_against_the_cheapest_that_is_as_good() -> None:
    results = asked(cost=ALL, limit=60)["results"]
    alone = [r for r in results if not (r["cost"]["hosted"] or {"same_model": True})["same_model"]]
    assert alone
    specs = {model.slug: model for model in catalog_index().catalog.models}
    for result in alone:
        offer, quality = result["cost"]["hosted"], result["quality"]
        assert specs[offer["model"]].strengths["coding"].basis == "evidence"
        assert offer["quality"] >= round(quality["score"] - quality["quantization_loss"], 1) - 0.1
        as_good = [
            min(price for _, price in offers.values())
            for slug, offers in hosted_prices.prices()["prices"].items()
            if slug in specs
            and (held := specs[slug].strengths.get("coding"))
            and held.basis == "evidence"
            and held.score >= offer["quality"]
        ]
        assert offer["output_per_million"] <= min(as_good)


def test_an_embedding_is_paid_by_what_it_reads() -> None:
    (result,) = asked(cost=ALL, workload={"use_case": "embedding"}, limit=1)["results"]
    assert result["cost"]["tokens"] == "read"
    rate = result["speed"]["prefill_tokens_per_second"]["mid"]
    assert result["cost"]["energy_per_million"]["mid"] == pytest.approx(450 / rate / 3.6 * 0.3, rel=0.02)


def test_an_embedding_stands_beside_the_hosted_price_of_what_is_read() -> None:
    results = asked(cost=ALL, workload={"use_case": "embedding"}, limit=40)["results"]
    found = {result["model"]["slug"]: result["cost"]["hosted"] for result in results}
    per_input, _ = hosted_prices.prices()["prices"]["bge-m3"]["OVHcloud AI Endpoints"]
    offer = found["bge-m3"]
    assert (offer["same_model"], offer["offers"], offer["output_per_million"]) == (True, 2, None)
    assert offer["price_per_million"] == offer["input_per_million"] == per_input
    assert offer["dearest_price_per_million"] > per_input
    embedding = {entry["slug"] for entry in seed.models() if entry["task"] == "embedding"}
    assert all(offer["model"] in embedding for offer in found.values() if offer)
    for offer, result in zip(found.values(), results, strict=True):
        assert (
            offer
            or "No hosted price of this embedding model is known, nor of one that is comparable."
            in (result["cost"]["notes"])
        )


def test_several_requests_at_once_share_the_power() -> None:
    workload = {"use_case": "coding", "concurrency": 8}
    (result,) = asked(cost=ALL, workload=workload, limit=1)["results"]
    rate = 8 * result["speed"]["decode_tokens_per_second"]["mid"]
    assert result["cost"]["energy_per_million"]["mid"] == pytest.approx(450 / rate / 3.6 * 0.3, rel=0.02)


def test_what_is_not_stated_is_null_and_said() -> None:
    only_power = asked(cost={"price_per_kwh": 0.3})["results"][0]["cost"]
    assert only_power["purchase_per_million"] is only_power["total_per_million"] is only_power["break_even"] is None
    assert any("(purchase_price)" in note for note in only_power["notes"])
    nothing = asked(cost={})["results"][0]["cost"]
    assert nothing["energy_per_million"] is None
    assert any("(price_per_kwh)" in note for note in nothing["notes"])


def test_a_machine_whose_draw_nobody_knows_gets_no_figure_until_it_is_stated() -> None:
    mac = {"text": "M3 Max 64 GB"}
    (unknown,) = asked(hardware=mac, cost=ALL, limit=1)["results"]
    assert unknown["cost"]["power_watts"] is unknown["cost"]["energy_per_million"] is None
    assert any("power_watts" in note for note in unknown["cost"]["notes"])
    (stated,) = asked(hardware=mac, cost=ALL | {"power_watts": 90}, limit=1)["results"]
    assert stated["cost"]["energy_per_million"]["mid"] > 0


def test_two_cards_at_work_draw_twice_as_much() -> None:
    question = {"hardware": {"text": "2x RTX 3090, 64 GB RAM"}, "cost": ALL, "limit": 20}
    watts = {len(r["memory"]["devices"]): r["cost"]["power_watts"] for r in asked(**question)["results"]}
    assert watts[2] == 2 * watts[1] == 700
