"""What a million generated tokens cost on one's own hardware, and when that is less than a hosted price.

Prices are in one currency throughout; rates in tokens per second of all requests together.
"""

from __future__ import annotations

from advisor.fit.spec import Range

MILLION = 1e6
JOULES_PER_KWH = 3.6e6
SECONDS_PER_YEAR = 365.25 * 24 * 3600


def energy(tokens_per_second: Range, watts: float, per_kwh: float) -> Range:
    """Dollars of electricity per million tokens; the fastest is the cheapest."""

    def at(rate: float) -> float:
        return watts * (MILLION / rate) / JOULES_PER_KWH * per_kwh

    return Range(at(tokens_per_second.high), at(tokens_per_second.mid), at(tokens_per_second.low))


def purchase(tokens_per_second: Range, price: float, years: float, utilisation: float) -> Range:
    """Dollars of the purchase price per million tokens, when the machine works that share of those years."""

    def at(rate: float) -> float:
        return price / (rate * utilisation * years * SECONDS_PER_YEAR) * MILLION

    return Range(at(tokens_per_second.high), at(tokens_per_second.mid), at(tokens_per_second.low))


def tokens_in_time(tokens_per_second: float, years: float, utilisation: float) -> float:
    """Tokens in that time."""
    return tokens_per_second * utilisation * years * SECONDS_PER_YEAR


def break_even(price: float, energy_per_million: float, hosted_per_million: float) -> float | None:
    """Tokens after which the purchase has paid for itself; None when electricity alone costs what the host asks."""
    saved = hosted_per_million - energy_per_million
    return price / saved * MILLION if saved > 0 else None
