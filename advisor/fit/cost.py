"""Cost per million generated tokens on own hardware, and the break-even against a hosted price.

One currency throughout; rates are tokens per second summed over all requests.
"""

from __future__ import annotations

from advisor.fit.spec import Range

MILLION = 1e6
JOULES_PER_KWH = 3.6e6
SECONDS_PER_YEAR = 365.25 * 24 * 3600


def energy(tokens_per_second: Range, watts: float, per_kwh: float) -> Range:
    """Electricity cost per million tokens, given watts and a price per kWh. The highest rate gives the lowest cost."""

    def at(rate: float) -> float:
        return watts * (MILLION / rate) / JOULES_PER_KWH * per_kwh

    return Range(at(tokens_per_second.high), at(tokens_per_second.mid), at(tokens_per_second.low))


def purchase(tokens_per_second: Range, price: float, years: float, utilisation: float) -> Range:
    """Purchase price per million tokens, amortised over `years` at `utilisation` (share of time busy, 0..1)."""

    def at(rate: float) -> float:
        return price / (rate * utilisation * years * SECONDS_PER_YEAR) * MILLION

    return Range(at(tokens_per_second.high), at(tokens_per_second.mid), at(tokens_per_second.low))


def tokens_in_time(tokens_per_second: float, years: float, utilisation: float) -> float:
    """Tokens generated in `years` at `utilisation` (0..1)."""
    return tokens_per_second * utilisation * years * SECONDS_PER_YEAR


def break_even(price: float, energy_per_million: float, hosted_per_million: float) -> float | None:
    """Tokens after which the purchase has paid off; None when electricity alone costs the hosted price or more."""
    saved = hosted_per_million - energy_per_million
    return price / saved * MILLION if saved > 0 else None
