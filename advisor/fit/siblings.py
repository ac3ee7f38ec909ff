"""What a model's own family and generation say about it: the prior of its abilities, never a substitute for evidence.

A sibling is a model of the same family and task, released within a year. Its ability, moved along the size slope that
is found inside families, is the expectation; how far it counts falls with the difference in size and in date.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from advisor.fit.latent import Floats, Rows

GENERATION_YEARS = 1.0
SAME_SD = 0.35  # of an ability's standard deviation: two siblings of one size and date still differ
SD_PER_DOUBLING = 0.15
SD_PER_YEAR = 0.6


class Facts(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def organisation(self) -> str: ...
    @property
    def released(self) -> str | None: ...
    @property
    def parameters_total(self) -> int | None: ...


def _related(group: Sequence[Facts]) -> tuple[Any, Floats, Floats]:
    """Sibling mask, difference of log2 size (row minus column) and of years; unknown size or date is no sibling."""
    family = np.unique([f"{m.organisation}/{m.family}".lower() for m in group], return_inverse=True)[1]
    size = np.log2(np.array([m.parameters_total or np.nan for m in group], dtype=float))
    days = [np.datetime64(m.released) if m.released else np.datetime64("NaT") for m in group]
    year = np.array(days, dtype="datetime64[D]").astype(float) / 365.25
    year[np.isnat(np.array(days, dtype="datetime64[D]"))] = np.nan
    doublings, years = size[:, None] - size[None, :], year[:, None] - year[None, :]
    same = (family[:, None] == family[None, :]) & (np.abs(years) <= GENERATION_YEARS) & np.isfinite(doublings)
    np.fill_diagonal(same, False)
    return same, np.nan_to_num(doublings), np.nan_to_num(years)


def prior(
    group: Sequence[Facts], rows: Rows, first: tuple[Floats, Floats], mean: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    """Prior mean (models x use cases) and covariance per model from scored siblings' first posterior `first`."""
    theta, spread = first
    variance = np.diagonal(spread, axis1=1, axis2=2)
    same, doublings, years = _related(group)
    same &= (np.bincount(rows.model, minlength=rows.models) > 0)[None, :]
    sd = np.sqrt(np.diag(covariance))
    weight = same[:, :, None] / (variance + variance[:, None, :] + sd**2)
    change = theta[:, None, :] - theta[None, :, :]
    scored = np.bincount(rows.model, minlength=rows.models) > 0
    pairs = weight * scored[:, None, None]
    steps = doublings[:, :, None]
    slope = (pairs * change * steps).sum((0, 1)) / ((pairs * steps**2).sum((0, 1)) + 1)
    distance = SAME_SD**2 + (SD_PER_DOUBLING * doublings) ** 2 + (SD_PER_YEAR * years) ** 2
    said = same[:, :, None] / (variance[None, :, :] + distance[:, :, None] * sd**2)
    expected = theta[None, :, :] + np.maximum(slope, 0.0) * steps
    strength = said.max(axis=1)  # siblings share what they get wrong: their precision does not add up
    average = (said * expected).sum(1) / np.maximum(said.sum(1), 1e-12)
    own = 1 / sd**2
    precision = own + strength
    width = 1 / np.sqrt(precision)
    correlation = covariance / np.outer(sd, sd)
    return (own * mean + strength * average) / precision, correlation * width[:, :, None] * width[:, None, :]


def sources(group: Sequence[Facts], scored: Any) -> Callable[[int, int | None], str]:
    """A function (model, use case or None for the combination) -> what an inference rests on, or "" when on nothing."""
    same, doublings, _ = _related(group)
    any_scored = scored.any(axis=1)

    def words(i: int, use_case: int | None) -> str:
        has = any_scored if use_case is None else scored[:, use_case]
        near = sorted(np.flatnonzero(same[i] & has).tolist(), key=lambda s: (abs(doublings[i, s]), group[s].name))
        if near:
            return "inferred from " + ", ".join(group[s].name for s in near[:3]) + " of the same family"
        return "inferred from its scores in other use cases" if any_scored[i] else ""

    return words
