"""The cost of a plan, beside the hosted price of the same or a comparable model.

An input that was not stated gives no figure, and a note says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.answers import hosted_prices
from advisor.answers.documents import figure, span
from advisor.answers.shapes import BreakEven, Cost, HostedOffer
from advisor.fit import cost
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.plans import embeds, outline_of, pace
from advisor.fit.spec import Device, HostSpec, Plan, Range, Result, Workload
from hardware import reference


def cost_document(result: Result, host: HostSpec, workload: Workload, index: Index, asked: Mapping[str, Any]) -> Cost:
    """The cost of one plan in US dollars per million tokens, with all its requests running at once.

    `asked` as validated by `CostSerializer`. Figures whose inputs were not stated are null, with the reason in `notes`.
    """
    plan = result.plan
    rate = tokens_per_second(plan)
    watts, notes = power(plan, host, asked.get("power_watts"))
    per_kwh, price = asked.get("price_per_kwh"), asked.get("purchase_price")
    spent = cost.energy(rate, watts, per_kwh) if watts and per_kwh is not None else None
    bought = cost.purchase(rate, price, asked["years"], asked["utilisation"]) if price is not None else None
    if per_kwh is None:
        notes.append("No price of electricity is stated (price_per_kwh): its cost is not counted.")
    if price is None:
        notes.append("No price of the hardware is stated (purchase_price): it is not counted.")
    quality = None if result.strength.basis == "none" else result.strength.score - result.quantization_loss
    offer = hosted_prices.offer(plan.model, quality, workload, index)
    if offer is None:
        kind = "embedding model" if embeds(plan.model) else "model"
        notes.append(f"No hosted price of this {kind} is known, nor of one that is comparable.")
    return {
        "tokens": "read" if embeds(plan.model) else "generated",
        "power_watts": watts,
        "energy_per_million": span(spent) if spent else None,
        "purchase_per_million": span(bought) if bought else None,
        "total_per_million": span(added(spent, bought)) if spent and bought else None,
        "hosted": offer,
        "break_even": even(asked, spent, offer, rate) if spent and offer and price is not None else None,
        "notes": notes,
    }


def tokens_per_second(plan: Plan) -> Range:
    """The throughput over all concurrent requests; prompts are read one after the other."""
    one, streams = pace(plan), 1 if embeds(plan.model) else outline_of(plan).slots
    return Range(one.low * streams, one.mid * streams, one.high * streams)


def power(plan: Plan, host: HostSpec, stated: float | None) -> tuple[float | None, list[str]]:
    """Watts at load: as stated, or the sum of the board limits, which is the most that the accelerators in use draw.

    None where a limit is unknown, with the reason in the notes.
    """
    if stated is not None:
        return stated, []
    limits = [board_power(host.devices[i]) for i in plan.devices]
    if not limits or None in limits:
        return None, ["The power draw is not known: state power_watts, what the machine draws at load."]
    rest = "the rest of the machine is not counted; power_watts states what all of it draws."
    return float(sum(limit or 0 for limit in limits)), [f"Power is the limit of the accelerators in use; {rest}"]


def board_power(device: Device) -> int | None:
    """The board's power limit in watts; the highest of several cards with one name."""
    found, _, _ = reference.candidates(device.name)
    return max((round(entry["tdp_w"]) for entry in found if entry.get("tdp_w")), default=None)


def even(asked: Mapping[str, Any], spent: Range, offer: HostedOffer, rate: Range) -> BreakEven:
    """The number of tokens from which own hardware is cheaper, and whether it is reached in the stated years."""
    tokens = cost.break_even(asked["purchase_price"], spent.mid, offer["price_per_million"])
    most = cost.tokens_in_time(rate.mid, asked["years"], asked["utilisation"])
    return {
        "tokens": tokens and figure(tokens),
        "tokens_in_that_time": figure(most),
        "reached": tokens is not None and tokens <= most,
    }


def added(a: Range, b: Range) -> Range:
    return Range(a.low + b.low, a.mid + b.mid, a.high + b.high)
